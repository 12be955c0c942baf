"""Pictures in every kind that people hand over come back in that kind."""

import io
import logging

import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization import InputError, NoFaceError, OptionError, OutputError
from ganonymization.io import images
from ganonymization.io.images import Picture

from .test_pipeline import NoDetector


@pytest.fixture
def call(make_anonymizer):
    anonymizer = make_anonymizer()
    return lambda given, **options: anonymizer(given, seed=1, **options)


@pytest.fixture
def plain(call, picture):
    """What becomes of the picture as RGB uint8, (H, W, 3)."""
    return call(picture)


def in_layout(array, layout):
    return np.moveaxis(array, 2, 0) if layout == "chw" and array.ndim == 3 else array


@pytest.mark.parametrize("layout", ["hwc", "chw"])
@pytest.mark.parametrize("color", ["rgb", "bgr"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float16", "float32", "float64"])
def test_arrays_come_back_as_they_were_given(call, picture, plain, kind, color, layout):
    levels = {"uint8": 1, "uint16": 257}.get(kind, 1 / 255)
    given = (picture[..., :: -1 if color == "bgr" else 1].astype(float) * levels).astype(kind)
    given = in_layout(given, layout)
    before = given.copy()
    result = call(given, color=color, layout=layout)
    assert result.image.dtype == given.dtype and result.image.shape == given.shape
    assert np.array_equal(given, before)
    made = np.moveaxis(result.image, 0, 2) if layout == "chw" else result.image
    eight = np.round(made.astype(float) / levels)[..., :: -1 if color == "bgr" else 1]
    assert np.abs(eight - plain.image).max() <= 1
    away = ~result.composite_mask
    back = np.moveaxis(given, 0, 2) if layout == "chw" else given
    assert away.any() and np.array_equal(made[away], back[away])  # to the bit
    assert not np.array_equal(made[~away], back[~away])


@pytest.mark.parametrize("channels", [None, 1, 2, 4])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_grey_and_alpha_come_back(call, picture, channels, kind):
    high = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    levels = np.dstack([picture[..., :1]] * (channels or 1)) if channels != 4 else np.dstack(
        [picture, picture[..., :1]]
    )  # fmt: skip
    given = (levels * (high / 255)).astype(kind)
    given = given[..., 0] if channels is None else given
    result = call(given)
    assert (result.image.shape, result.image.dtype) == (given.shape, given.dtype)
    mask = result.composite_mask
    assert np.array_equal(result.image[~mask], given[~mask])
    if channels in (2, 4):
        assert (result.image[mask][:, -1] == high).all()  # alpha may show a face
        assert result.pil().mode == {2: "LA", 4: "RGBA"}[channels]


def test_twelve_bits_in_sixteen_are_seen_as_bright_as_they_are(call, picture, plain):
    given = np.round(picture * (4095 / 255)).astype(np.uint16)
    result = call(given)
    assert result.image.max() < 4096
    assert np.abs(result.image / (4095 / 255) - plain.image).max() < 1.5


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "bfloat16"])
def test_tensors_come_back_as_tensors(call, picture, kind):
    torch = pytest.importorskip("torch")
    given = torch.from_numpy(picture.transpose(2, 0, 1).copy())
    given = given if kind == "uint8" else (given / 255).to(getattr(torch, kind))
    result = call(given, layout="chw")
    assert isinstance(result.image, torch.Tensor)
    assert (result.image.dtype, result.image.shape) == (given.dtype, given.shape)
    away = torch.from_numpy(~result.composite_mask)
    assert torch.equal(result.image[:, away], given[:, away])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "1", "I;16"])
def test_pillow_images_come_back_as_pillow_images(call, picture, mode):
    given = Pillow.fromarray(picture)
    if mode == "I;16":
        given = Pillow.fromarray(picture[..., 0].astype(np.uint16) * 257)
    elif mode != "RGB":
        given = given.convert(mode)
    before = given.tobytes()
    made = call(given).image
    assert isinstance(made, Pillow.Image) and made.size == given.size
    expected = {"P": "RGB", "CMYK": "RGB", "1": "L", "I;16": "L"}.get(mode, mode)
    assert made.mode == expected
    assert given.tobytes() == before and given.mode == mode


def test_a_turned_pillow_image_comes_back_upright_and_without_metadata(call, picture):
    given = Pillow.fromarray(picture[:, :100])
    given.getexif()[0x0112] = 6
    given.getexif()[0x010E] = "a name"
    file = io.BytesIO()
    given.save(file, "JPEG", exif=given.getexif())
    result = call(Pillow.open(file))
    assert result.image.size == (128, 100)
    assert not result.image.getexif() and "exif" not in result.image.info


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_bytes_come_back_as_a_file_of_their_kind(call, picture, kind):
    file = io.BytesIO()
    Pillow.fromarray(picture).save(file, kind)
    for given in (file.getvalue(), bytearray(file.getvalue()), memoryview(file.getvalue())):
        made = call(given).image
        assert isinstance(made, bytes)
        assert Pillow.open(io.BytesIO(made)).format == kind


def test_a_path_gives_an_array_and_is_never_replaced(call, picture, tmp_path):
    path = tmp_path / "a.png"
    images.write(path, Picture(picture))
    for given in (path, str(path)):
        result = call(given)
        assert np.array_equal(result.image, call(picture, name="a.png").image)
        with pytest.raises(OutputError, match="is the input"):
            result.save(path)
    assert np.array_equal(images.read(path).pixels, picture)
    assert result.save(str(tmp_path / "new" / "b.png")) == [tmp_path / "new" / "b.png"]
    assert np.array_equal(images.read(tmp_path / "new" / "b.png").pixels, result.image)


def test_a_list_gives_a_list_and_nobody_twice(call, picture, tmp_path):
    for name in ("a.png", "sub/a.png", "b.png"):
        images.write(tmp_path / name, Picture(picture))
    paths = [tmp_path / "a.png", tmp_path / "sub" / "a.png", tmp_path / "b.png"]
    made = call([*paths, picture, Pillow.fromarray(picture)])
    assert [type(result.image) for result in made[:4]] == [np.ndarray] * 4
    assert isinstance(made[4].image, Pillow.Image)
    assert len({result.faces[0].seed for result in made}) == 5
    batch = call(np.stack([picture, picture]))
    assert len(batch) == 2 and not np.array_equal(batch[0].image, batch[1].image)
    assert call([]) == []
    with pytest.raises(OptionError, match="one at a time"):
        call([picture], add_boxes=[(1, 1, 9, 9)])


@pytest.mark.parametrize("words", [{"layout": "wch"}, {"color": "gbr"}])
def test_unknown_words_are_refused_with_the_known_ones(call, picture, words):
    with pytest.raises(OptionError, match="is none of"):
        call(picture, **words)


@pytest.mark.parametrize("words", [{"layout": "chw"}, {"color": "bgr"}])
def test_words_for_arrays_are_refused_for_other_things(call, picture, words):
    with pytest.raises(OptionError, match="are for arrays"):
        call(Pillow.fromarray(picture), **words)


def test_channels_that_come_first_untold_are_refused_with_what_to_do(call, picture):
    with pytest.raises(InputError, match="give `layout` chw"):
        call(picture.transpose(2, 0, 1))


def test_wrong_kinds_are_named(call):
    with pytest.raises(InputError, match="this is int"):
        call(5)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "7", True])
def test_seeds_that_are_none_are_refused(make_anonymizer, picture, seed):
    with pytest.raises(OptionError, match="seed"):
        make_anonymizer()(picture, seed=seed)


def test_numpy_seeds_are_seeds(make_anonymizer, picture):
    assert make_anonymizer()(picture, seed=np.int32(7)).seed == 7


def test_portraits_come_back_in_the_kind_that_was_given(make_anonymizer, picture, tmp_path):
    portraits = make_anonymizer(mode="portrait")
    tensor_like = picture.transpose(2, 0, 1) / 255.0
    result = portraits(tensor_like, seed=1, layout="chw")
    assert result.image is None and result.portraits[0].shape == (3, 512, 512)
    assert 0 <= result.portraits[0].min() and 0.5 < result.portraits[0].max() <= 1
    assert isinstance(portraits(Pillow.fromarray(picture)).portraits[0], Pillow.Image)
    assert result.save(tmp_path / "a.png") == [tmp_path / "a.png"]
    with pytest.raises(OptionError, match="there is no picture 1"):
        result.pil(1)
    none = make_anonymizer(mode="portrait", detector=NoDetector())(picture)
    with pytest.raises(NoFaceError):
        none.save(tmp_path / "b.png")
    assert none._repr_png_() is None


def test_a_result_is_short_and_shows_itself(plain):
    assert repr(plain) == "<Result: 1 of 1 faces redrawn, 128 x 128>"
    shown = Pillow.open(io.BytesIO(plain._repr_png_()))
    assert np.array_equal(np.asarray(shown), plain.image)
    assert np.array_equal(np.asarray(plain.pil()), plain.image)


def test_a_color_profile_goes_with_the_picture(call, picture):
    from PIL import ImageCms

    given = Pillow.fromarray(picture)
    given.info["icc_profile"] = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")
    ).tobytes()  # fmt: skip
    assert call(given).image.info["icc_profile"]


def test_colours_in_opencvs_order_are_noticed(make_anonymizer, picture, caplog):
    skin = np.zeros_like(picture) + np.array([200, 150, 120], np.uint8)
    with caplog.at_level(logging.WARNING, "ganonymization"):
        make_anonymizer()(skin)
        make_anonymizer()(skin[..., ::-1], color="bgr")
        assert not caplog.records
        make_anonymizer()(skin[..., ::-1])
    assert "color='bgr'" in caplog.text
