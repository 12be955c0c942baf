"""Files that were made to break whoever reads them; the same ones in every run."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image as Pillow

from ..video.test_container import make_clip, pictures
from ..video.test_tracking import Disc, draw
from .conftest import encoded

MARK = "jane-doe-at-home"  # stands for what must not leak: names, metadata, what is hidden
FACE = draw(Disc(80))
Files = Iterator[tuple[str, bytes]]


def animation(kind="GIF", length=4, **options):
    frames = [Pillow.fromarray(draw(Disc(60 + i))) for i in range(length)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=80, **options)
    return file.getvalue()


def zipped(*files, method=zipfile.ZIP_DEFLATED, comment=b""):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
        archive.comment = comment
    return file.getvalue()


def whole(folder):
    """Files that are in order, by kind."""
    exif = Pillow.Exif()
    exif[0x010E] = MARK
    made = {kind.lower(): encoded(FACE, kind) for kind in ("PNG", "BMP", "TIFF", "WEBP", "AVIF")}
    made["jpeg"] = encoded(FACE, "JPEG", exif=exif)
    made["gif"], made["awebp"] = animation(), animation("WEBP")
    made["zip"] = zipped((f"{MARK}.png", made["png"]), (f"{MARK}/b.jpg", made["jpeg"]))
    metadata = {"title": MARK}
    for kind in ("mp4", "mkv"):
        path = make_clip(folder / f"in.{kind}", pictures(6), tones=1, metadata=metadata)
        made[kind] = path.read_bytes()
    return made


def truncated(good) -> Files:
    for kind, content in good.items():
        for share in (0.02, 0.3, 0.7, 0.98):
            yield f"{kind} up to {share}", content[: max(1, round(share * len(content)))]


def flipped(good) -> Files:
    luck = random.Random(1)
    for kind, content in good.items():
        for bits in (1, 4, 30, 400):
            changed = bytearray(content)
            for _ in range(bits):
                changed[luck.randrange(len(changed))] ^= 1 << luck.randrange(8)
            yield f"{kind} with {bits} bits flipped", bytes(changed)


def garbled(good) -> Files:
    luck = random.Random(2)
    for kind, content in good.items():
        at = len(content) // 2
        yield f"{kind} with garbage within", content[:at] + luck.randbytes(64) + content[at + 64 :]
        yield f"{kind} with a hole", content[:at] + content[at + 50 :]
        yield f"{kind} with zeros behind", content + bytes(5000)
        yield f"{kind} header", content[:16]


def disguised(good) -> Files:
    """The start of one kind, the rest of another."""
    kinds = list(good)
    for i, kind in enumerate(kinds):
        other = kinds[(i + 3) % len(kinds)]
        yield f"{kind} that is {other}", good[kind][:12] + good[other][12:]
        yield f"{kind} before {other}", good[kind] + good[other]


def noise(good) -> Files:
    luck = random.Random(3)
    for size in (1, 2, 11, 12, 13, 100, 5000):
        yield f"{size} random bytes", luck.randbytes(size)
        yield f"{size} zeros", bytes(size)
    for magic in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\x7fWEBP", b"GIF89a",
                  b"II*\0", b"MM\0*", b"BM", b"\0\0\0 ftypavif", b"\0\0\0 ftypisom", b"PK\x03\x04",
                  b"\x1aE\xdf\xa3", b"RIFF....AVI "):  # fmt: skip
        yield f"noise behind {magic!r}", magic + luck.randbytes(900)


def texts(good) -> Files:
    """No pictures at all, some of them taken for videos by FFmpeg."""
    words = {
        "text": f"hello {MARK}\n" * 50,
        "html": f"<!doctype html><script>alert('{MARK}')</script>",
        "svg": f"<svg xmlns='http://www.w3.org/2000/svg'><text>{MARK}</text></svg>",
        "svg that asks": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">'
        ']><svg xmlns="http://www.w3.org/2000/svg"><text>&e;</text></svg>',
        "pdf": "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "json": "{" * 5000,
        "shell": "#!/bin/sh\ntouch /tmp/owned\n",
        "subtitles": "1\n00:00:01,000 --> 00:00:02,000\nhello\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 9 RTP/AVP 96\n",
        "dash": "<?xml version='1.0'?><MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period>"
        "</MPD>",
    }
    for name, text in words.items():
        yield name, text.encode()


def png(width, height, *chunks):
    """A PNG that says its size, and holds what it is given."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", size), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def bombs(good) -> Files:
    """Small files that say, or become, something large."""
    blank = zlib.compress(bytes(3 * 2000 * 2001), 9)
    yield "a PNG of 100000 x 100000", png(100_000, 100_000, (b"IDAT", zlib.compress(bytes(99))))
    yield "a PNG of 2**31-1 x 2**31-1", png(2**31 - 1, 2**31 - 1, (b"IDAT", b""))
    yield "a PNG of 0 x 0", png(0, 0, (b"IDAT", zlib.compress(b"")))
    yield "a PNG of 2000 x 2000", png(2000, 2000, (b"IDAT", blank))
    yield "a PNG with more than it says", png(20, 20, (b"IDAT", blank))
    text = MARK.encode() + b"\0\0" + zlib.compress(bytes(20_000_000), 9)
    yield "a PNG with a long text", png(20, 20, (b"zTXt", text), (b"IDAT", blank))
    profile = b"x\0\0" + zlib.compress(bytes(20_000_000), 9)
    yield "a PNG with a long profile", png(20, 20, (b"iCCP", profile), (b"IDAT", blank))
    jpeg = bytearray(good["jpeg"])
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = b"\xff\xff\xff\xff"
    yield "a JPEG of 65535 x 65535", bytes(jpeg)
    gif = bytearray(good["gif"])
    gif[6:10] = b"\xff\xff\xff\xff"
    yield "a GIF of 65535 x 65535", bytes(gif)
    wide = Pillow.new("L", (1400, 1400))
    for kind in ("GIF", "WEBP"):
        file = io.BytesIO()
        others = [Pillow.new("L", wide.size, i) for i in (1, 2, 3)] * 3
        wide.save(file, kind, save_all=True, append_images=others)
        yield f"a large {kind}", file.getvalue()
    bmp = bytearray(good["bmp"])
    bmp[18:26] = struct.pack("<ii", 2**31 - 1, -(2**31))
    yield "a BMP of 2**31-1 x -2**31", bytes(bmp)
    yield "a ZIP of zeros", zipped((f"{MARK}.png", bytes(30_000_000)))
    yield "a ZIP of bombs", zipped((f"{MARK}.png", png(9000, 9000, (b"IDAT", blank))))
    yield "a ZIP of many", zipped(*((f"{MARK}{i}.png", b"x") for i in range(60)))
    yield "ZIPs in a ZIP", zipped((f"{MARK}.zip", zipped((f"{MARK}.zip", good["zip"]))))
    yield "a ZIP in a picture's name", zipped((f"{MARK}.png", good["zip"]))


def polyglots(good) -> Files:
    """Two kinds at once; what comes behind a picture must not come back."""
    page = f"<script>alert('{MARK}')</script>".encode()
    yield "jpeg and zip", good["jpeg"] + good["zip"]
    yield "png and zip", good["png"] + good["zip"]
    yield "png and html", good["png"] + page
    yield "gif and html", good["gif"] + page
    yield "gif and script", b"GIF89a/*" + page + b"*/=1;" + good["gif"][13:]
    yield "jpeg and mp4", good["jpeg"] + good["mp4"]
    yield "pdf and jpeg", b"%PDF-1.7\n" + good["jpeg"]
    yield "mp4 and zip", good["mp4"] + good["zip"]
    yield "zip behind html", page + good["zip"]
    jpeg = good["jpeg"]
    yield "jpeg with html in its comment", jpeg[:2] + comment(page) + jpeg[2:]
    yield "jpeg twice", jpeg + jpeg


def comment(content):
    return b"\xff\xfe" + struct.pack(">H", len(content) + 2) + content


def described(good) -> Files:
    """Absurd metadata."""
    for name, values in {
        "orientation 99": {0x0112: 99},
        "orientation 6": {0x0112: 6},
        "no description": {0x010E: ""},
        "a long text": {0x010E: MARK * 3000},
        "sizes that lie": {0x0100: 2**31, 0x0101: 2**31},
    }.items():
        exif = Pillow.Exif()
        exif.update(values)
        yield f"EXIF: {name}", encoded(FACE, "JPEG", exif=exif)
        yield f"EXIF: {name}, WebP", encoded(FACE, "WEBP", exif=exif)
    jpeg = good["jpeg"]
    for name, block in {
        "random": random.Random(4).randbytes(500),
        "loop": b"II*\0\x08\0\0\0" + b"\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0" + b"\x08\0\0\0",
        "far": b"MM\0*\xff\xff\xff\xff",
    }.items():
        content = b"Exif\0\0" + block
        head = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
        yield f"EXIF: {name}", jpeg[:2] + head + jpeg[2:]
    yield "a broken profile", encoded(FACE, "JPEG", icc_profile=b"no profile" * 20)
    yield "a broken profile, AVIF", encoded(FACE, "AVIF", icc_profile=b"no profile" * 20)
    yield "a picture of one pixel", encoded(FACE[:1, :1])
    yield "a picture of one row", encoded(FACE[:1])


def archives(good) -> Files:
    """ZIPs that lead astray."""
    png, name = good["png"], f"{MARK}.png"
    for odd in (f"../../{name}", f"/{name}", f"a/../../{name}", f"..\\{name}", f"C:\\{name}",
                f"\\\\host\\share\\{name}", f"a\n{name}", f"{'x' * 60_000}{name}", f"\u202e{name}",
                f"./{name}", f"a//{name}", f".{name}", f"{MARK}/"):  # fmt: skip
        yield f"ZIP: {odd[:20]!r}", zipped((odd, png), (name, png))
    link = zipfile.ZipInfo(name)
    link.external_attr = 0o120777 << 16
    yield "ZIP: a link", zipped((link, b"/etc/passwd"))
    yield "ZIP: the manifest", zipped(("manifest.jsonl", b"{}"), (name, png))
    twice = bytearray(zipped((name, png), (name.replace("jane", "john"), png)))
    yield "ZIP: a name twice", bytes(twice).replace(b"john-doe", b"jane-doe")
    sound = zipped((name, png))
    local, central = 0, sound.index(b"PK\1\2")
    for what, place, value in (
        ("encrypted", (6, 8), 1), ("strongly encrypted", (6, 8), 0x41), ("patched", (6, 8), 0x20),
        ("of an unknown method", (8, 10), 99), ("of another method", (8, 10), 14),
        ("with an old version", (4, 6), 999), ("with a wrong sum", (14, 16), 7),
        ("that says it is longer", (22, 24), 9999), ("that says it is packed shorter", (18, 20), 9),
    ):  # fmt: skip
        changed = bytearray(sound)
        for start, offset in zip((local, central), place, strict=True):
            changed[start + offset : start + offset + 2] = struct.pack("<H", value)
        yield f"ZIP: {what}", bytes(changed)
    damaged = bytearray(sound)
    damaged[60:90] = random.Random(5).randbytes(30)
    yield "ZIP: damaged within", bytes(damaged)
    odd = sound.replace(MARK.encode(), b"\xff\xfe\xfd" + MARK.encode()[3:])
    at = odd.index(b"PK\1\2")
    named = bytearray(odd)
    named[7], named[at + 9] = 8, 8  # says that its names are UTF-8
    yield "ZIP: no UTF-8", bytes(named)
    far = bytearray(sound)
    far[central + 42 : central + 46] = b"\xff\xff\xff\x7f"
    yield "ZIP: far away", bytes(far)
    yield "ZIP: bzip2", zipped((name, png), method=zipfile.ZIP_BZIP2)
    yield "ZIP: lzma", zipped((name, png), method=zipfile.ZIP_LZMA)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        hurt = bytearray(zipped((name, png), method=method))
        hurt[70:90] = bytes(20)
        yield f"ZIP: method {method}, damaged", bytes(hurt)
    yield "ZIP: a long comment", zipped((name, png), comment=MARK.encode() * 4000)
    yield "ZIP: nothing", zipped()
    yield "ZIP: folders", zipped((f"{MARK}/", b""))
    yield "ZIP: a video and an animation", zipped((f"{MARK}.mp4", good["mp4"]),
                                                  (name, good["awebp"]))  # fmt: skip


def playlists(good, secret) -> Files:
    """Small texts that ask FFmpeg for another file of the machine."""
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    yield "a playlist", hls.format(secret).encode()
    yield "a playlist by address", hls.format(f"file://{secret}").encode()
    yield "a list", f"ffconcat version 1.0\nfile '{secret}'\n".encode()
    yield "a list by name", f"ffconcat version 1.0\nfile {secret.name}\n".encode()


GROUPS = (truncated, flipped, garbled, disguised, noise, texts, bombs, polyglots, described,
          archives)  # fmt: skip
