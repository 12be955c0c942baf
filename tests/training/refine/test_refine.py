from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from torch.utils.data import default_collate

from ganonymization.surrogate.expression_reading import ExpressionReader, reading_square
from ganonymization.training.from_onnx import load_exported
from ganonymization.training.networks import Generator
from ganonymization.training.refine import loop, samples
from ganonymization.training.refine.losses import Networks, read_back, refiner_loss, unpack
from ganonymization.training.refine.network import Refiner, compose
from ganonymization.training.refine.samples import RefinerFaces

SIZE = 64


@pytest.fixture(scope="module")
def prepared_with_readings(prepared, tmp_path_factory):
    """The prepared faces of the neighbouring tests, read and one of them held out."""
    folder = tmp_path_factory.mktemp("refine")
    for file in prepared.iterdir():
        (folder / file.name).symlink_to(file)
    count = len(np.load(prepared / "landmarks.npy"))
    shares = np.eye(7, dtype=np.float32)[np.arange(count) % 7]
    np.save(folder / "readings.npy", shares)
    np.save(folder / "age.npy", np.full(count, 60, np.float32))
    np.save(folder / "held_out.npy", np.arange(count) == 0)
    return folder


@pytest.fixture(scope="module")
def faces(prepared_with_readings):
    patch = pytest.MonkeyPatch()
    patch.setattr(samples, "_FRONTAL", 9.0)
    patch.setattr(samples, "_NEAREST", 1)
    yield RefinerFaces([prepared_with_readings], SIZE, 0.3, seed=0)
    patch.undo()


def test_a_sample_is_repeated_by_its_number(faces):
    first, again = faces[3], faces[3]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], faces[4][name]) for name in first)


def test_held_out_faces_are_neither_drawn_nor_donors(faces, prepared_with_readings):
    assert 0 not in faces.donors
    drawn = {faces.shards.draw(np.random.default_rng(i)) for i in range(50)}
    assert 0 not in drawn
    apart = RefinerFaces([prepared_with_readings], SIZE, 0.3, seed=0, held_out=True)
    assert {apart.shards.draw(np.random.default_rng(i)) for i in range(9)} == {0}


def test_the_texture_keeps_its_own_resolution():
    """Composing at twice the size keeps detail that the network never saw."""
    torch.manual_seed(0)
    rgb, opacity = torch.zeros(1, 3, SIZE, SIZE), torch.ones(1, 1, SIZE // 2, SIZE // 2)
    fine = torch.rand(1, 3, 2 * SIZE, 2 * SIZE) - 0.5
    cover = torch.ones(1, 1, 2 * SIZE, 2 * SIZE)
    whole = compose(rgb, opacity, fine, cover)
    assert np.corrcoef(whole.flatten(), fine.flatten())[0, 1] > 0.95
    half = compose(rgb, opacity, fine, cover / 2)
    assert float(half.std()) == pytest.approx(float(whole.std()) / 2, rel=0.1)


def test_light_and_tone_are_the_drawn_faces():
    """A donor twice as dark and green changes nothing."""
    torch.manual_seed(0)
    rgb, opacity = torch.full((1, 3, SIZE, SIZE), 0.2), torch.ones(1, 1, SIZE // 2, SIZE // 2)
    grain = 0.05 * torch.randn(1, 3, SIZE, SIZE)
    cover = torch.zeros(1, 1, SIZE, SIZE)
    cover[..., 10:50, 15:45] = 1
    tint = torch.tensor([0.4, 0.9, 0.5])[:, None, None]
    light = (0.7 + grain) * 2 - 1
    dark = (0.7 + grain) * tint * 2 - 1
    assert torch.allclose(compose(rgb, opacity, light, cover), compose(rgb, opacity, dark, cover),
                          atol=0.02)  # fmt: skip
    plain = compose(rgb, opacity, torch.full_like(light, -0.5), cover)
    assert torch.allclose(plain, rgb, atol=0.01)
    outside = compose(rgb, opacity, light, cover)[cover.expand(-1, 3, -1, -1) == 0]
    assert torch.allclose(outside, torch.full_like(outside, 0.2), atol=1e-4)


def test_it_starts_as_the_shipped_generator():
    shipped = Generator()
    load_exported(shipped, "plain")
    nets = Networks()
    for key, value in shipped.state_dict().items():
        assert torch.equal(nets.refiner.state_dict()[key], value)
    assert float(nets.refiner.reading.weight.detach().abs().sum()) == 0  # changes nothing yet


def test_a_run_goes_on_where_it_stopped(faces, tmp_path):
    torch.manual_seed(0)
    batch = default_collate([faces[i] for i in range(2)])
    run = loop.Run(tmp_path / "run", learning_rate=1e-3)
    parts = [run.learn(batch, weight_gan=0.0) for _ in range(4)]
    assert all(np.isfinite(value) for part in parts for value in part.values())
    assert run.step == 4
    before = {key: value.clone() for key, value in run.nets.average.state_dict().items()}
    run.save()
    again = loop.Run(tmp_path / "run")
    assert again.step == 4
    assert all(torch.equal(again.nets.average.state_dict()[key], before[key]) for key in before)
    torch.save(run.nets.compact(), tmp_path / "state.pt")
    assert (tmp_path / "state.pt").stat().st_size < 16_000_000
    onwards = loop.Run(tmp_path / "other", start_from=tmp_path / "state.pt")
    for key, value in before.items():
        assert torch.allclose(onwards.nets.refiner.state_dict()[key], value, atol=2e-3, rtol=2e-3)


def test_another_persons_face_is_not_compared_pixel_by_pixel(faces):
    torch.manual_seed(0)
    batch = default_collate([faces[i] for i in range(4)])
    batch["cross"][:], batch["portrait"][:] = True, False
    nets = Networks()
    _, _, parts = refiner_loss(nets, unpack(batch), 0.5)
    assert float(parts["l1"]) == 0 and float(parts["perceptual"]) == 0
    assert float(parts["use"]) > 0 and float(parts["beside"]) > 0


def test_anothers_texture_is_worn_by_a_surrogate_shape_too(faces):
    """As at run time; what is real is told its own mesh."""
    gaps: dict[bool, list[float]] = {True: [], False: []}
    for sample in (faces[i] for i in range(24)):
        gap = (sample["condition"].float() - sample["own_condition"].float()).abs().mean()
        gaps[bool(sample["cross"])].append(float(gap))
    assert max(gaps[False]) < np.median(gaps[True])


def test_the_network_reads_back_what_the_reader_reads(prepared):
    """Where it looks, before it looks from elsewhere."""
    nets, reader = Networks(), ExpressionReader()
    crop, points = (np.load(prepared / name)[0] for name in ("crops.npy", "landmarks.npy"))
    colour = np.ascontiguousarray(crop[..., :3])
    picture = torch.from_numpy(colour.transpose(2, 0, 1)).float()[None] / 127.5 - 1
    square = torch.tensor([reading_square(points)])
    logits = torch.stack([read_back(nets, picture, square)[0] for _ in range(40)])
    found = logits.softmax(1)
    wanted = reader(colour, points)
    assert int(found.mean(0).argmax()) == int(wanted.argmax())
    assert float((found.mean(0) - torch.from_numpy(wanted)).abs().sum()) < 0.5
    assert float(logits.std(0).max()) > 0.1  # never twice from the same place


def test_pixels_are_judged_near_and_from_afar(faces):
    """What features do not see, as noise of one pixel, moves a score."""
    torch.manual_seed(0)
    batch = unpack(default_collate([faces[i] for i in range(2)]))
    nets = Networks()
    _, judged, _ = refiner_loss(nets, batch, 0.5)
    nets.discriminator.eval()  # without a further power iteration
    scores = nets.discriminator(judged.real, batch["reading"])
    assert len(scores) == len(judged.real.features) + 2
    near = judged.real.near
    noisy = replace(judged.real, near=near + 0.1 * torch.randn_like(near))
    changed = nets.discriminator(noisy, batch["reading"])
    same = [torch.equal(a, b) for a, b in zip(scores, changed, strict=True)]
    assert same == [True] * 4 + [False, True]


def test_a_run_goes_on_from_a_state_without_the_heads_on_pixels(tmp_path):
    nets = Networks()
    state = nets.compact()
    grown = {k: v for k, v in state["discriminator"].items() if not k.startswith(("near", "far"))}
    Networks().load_compact(state | {"discriminator": grown})
    with pytest.raises(RuntimeError, match="Missing key"):
        Networks().load_compact(state | {"encoder": {}})


def test_the_small_one_is_within_its_budget():
    """At most 3 million parameters: what is to be distilled from the large one."""
    small = Refiner(widths=(40, 64, 104, 144), tail=24)
    assert sum(p.numel() for p in small.parameters()) < 3_000_000


def test_the_exported_file_draws_what_the_network_draws(tmp_path):
    from ganonymization.synthesize.refiner import FORMAT, LEVEL, ZERO
    from ganonymization.training.refine.export import export

    torch.manual_seed(0)
    nets = Networks()
    torch.save(nets.compact(), tmp_path / "state.pt")
    export(tmp_path / "state.pt", tmp_path / "r.onnx", SIZE)
    session = onnxruntime.InferenceSession(str(tmp_path / "r.onnx"))
    assert session.get_modelmeta().custom_metadata_map["format"] == FORMAT
    levels = torch.randint(0, 256, (1, SIZE, SIZE, 12), dtype=torch.uint8)
    style, reading = torch.randn(1, 16), torch.rand(1, 7)
    picture, opacity = session.run(
        None, {"input": levels.numpy(), "style": style.numpy(), "reading": reading.numpy()}
    )
    x = (levels.float().permute(0, 3, 1, 2) - ZERO) * LEVEL
    with torch.inference_mode():
        wanted, share = nets.average.eval()(x, style, reading)
    wanted = (wanted[0].permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(picture[0] - wanted).max() < 6 and wanted.std() > 20
    assert np.abs(opacity - share.numpy()).max() < 0.05


def test_integer_convolutions_draw_nearly_the_same(tmp_path, monkeypatch):
    from ganonymization.training.refine import export as exporting
    from ganonymization.training.refine.arranged import BLOCKS, as_blocks

    torch.manual_seed(0)
    torch.save(Networks().compact(), tmp_path / "state.pt")
    feeds = [
        {
            BLOCKS: as_blocks(torch.rand(1, 12, SIZE, SIZE) * 2 - 1).numpy(),
            "style": np.random.default_rng(i).standard_normal((1, 16)).astype(np.float32),
            "reading": np.full((1, 7), 1 / 7, np.float32),
        }
        for i in range(3)
    ]
    monkeypatch.setattr(exporting, "_feeds", lambda prepared, size_px: feeds)
    exporting.export(tmp_path / "state.pt", tmp_path / "half.onnx", SIZE)
    exporting.export(tmp_path / "state.pt", tmp_path / "integer.onnx", SIZE, prepared=tmp_path)
    drawn = []
    for name in ("half", "integer"):
        session = onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx"))
        assert session.get_inputs()[0].type == "tensor(uint8)"
        levels = np.random.default_rng(9).integers(0, 256, (1, SIZE, SIZE, 12), np.uint8)
        feed = {"input": levels, "style": feeds[0]["style"], "reading": feeds[0]["reading"]}
        drawn.append(session.run(None, feed)[0].astype(int))
    assert np.abs(drawn[0] - drawn[1]).mean() < 4 and drawn[0].std() > 20
