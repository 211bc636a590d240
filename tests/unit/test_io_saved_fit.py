"""The container of saved fits: the same bytes every time, and nothing in a file is trusted."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import foldwise as fw
from foldwise.io import SavedFitError, load_arrays, save_arrays

ARRAYS = {
    "counts": np.arange(12, dtype=np.int32).reshape(3, 4),
    "mu": np.array([[0.1, np.nan], [np.inf, -0.0]]),
    "genes": np.array(["g1", "gène", ""], dtype=object),
    "stage/empty": np.zeros((0, 5)),
    "flag": np.array(True),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}
META = {"formula": "~ a + b", "levels": ["x", "y"], "trend": {"a0": 0.1 + 0.2, "bad": float("nan")}, "none": None}


def saved(folder: Path) -> Path:
    save_arrays(folder / "fit.foldwise", ARRAYS, META)
    return folder / "fit.foldwise"


def test_round_trip(tmp_path):
    arrays, meta = load_arrays(saved(tmp_path))
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        expected = np.asarray(array, dtype=str) if array.dtype == object else array
        assert arrays[name].dtype == expected.dtype and arrays[name].shape == expected.shape
        assert arrays[name].tobytes() == np.ascontiguousarray(expected).tobytes()
        assert arrays[name].flags.writeable
    assert np.isnan(meta["trend"].pop("bad"))
    assert meta == {"formula": "~ a + b", "levels": ["x", "y"], "trend": {"a0": 0.1 + 0.2}, "none": None}


def test_the_same_content_gives_the_same_bytes(tmp_path):
    save_arrays(tmp_path / "a", ARRAYS, META)
    save_arrays(tmp_path / "b", dict(reversed(ARRAYS.items())), dict(reversed(META.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@given(hnp.arrays(st.sampled_from([np.float64, np.int32, np.bool_, "U5"]), hnp.array_shapes(max_dims=3, max_side=4)))
def test_any_plain_array_comes_back(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("fit") / "x"
    save_arrays(path, {"x": array}, {})
    back = load_arrays(path)[0]["x"]
    assert back.dtype == array.dtype and back.tobytes() == array.tobytes()


@pytest.mark.parametrize("array", [np.array([None]), np.array([{}]), np.array([1j]), np.zeros(2, "datetime64[s]")])
def test_objects_are_refused(tmp_path, array):
    with pytest.raises(SavedFitError, match="only numbers, logicals and text"):
        save_arrays(tmp_path / "x", {"x": array}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "", ".x", "a b", "x\\y"])
def test_names_are_plain(tmp_path, name):
    with pytest.raises(SavedFitError, match="cannot be a member's name"):
        save_arrays(tmp_path / "x", {name: np.zeros(1)}, {})


@pytest.mark.parametrize("value", [object(), np.zeros(2), {1: 2}, {1, 2}])
def test_descriptions_are_plain(tmp_path, value):
    with pytest.raises(SavedFitError):
        save_arrays(tmp_path / "x", {}, {"x": value})


# ------------------------------------------------------------------------------------------------ damaged files
def test_every_way_of_cutting_a_file_is_an_error(tmp_path):
    content = saved(tmp_path).read_bytes()
    for length in [0, 1, 4, 100, len(content) // 2, len(content) - 30, len(content) - 1]:
        (tmp_path / "cut").write_bytes(content[:length])
        with pytest.raises(SavedFitError, match="cut"):
            load_arrays(tmp_path / "cut")


def test_every_flipped_byte_is_an_error_or_harmless(tmp_path):
    content = saved(tmp_path).read_bytes()
    arrays, meta = load_arrays(saved(tmp_path))
    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 0x15
        (tmp_path / "changed").write_bytes(changed)
        try:
            back, described = load_arrays(tmp_path / "changed")
        except SavedFitError:
            continue
        assert repr(described) == repr(meta)
        assert {k: v.tobytes() for k, v in back.items()} == {k: v.tobytes() for k, v in arrays.items()}


def rebuilt(folder: Path, change) -> Path:
    """The saved file with its members (name: bytes) changed, written as a plain ZIP again."""
    with zipfile.ZipFile(saved(folder)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(folder / "other", "w") as archive:
        for name, content, *how in change(dict(members)):
            archive.writestr(name, content, *how)
    return folder / "other"


def described(content: dict[str, bytes], **changes) -> list[tuple]:
    """Members with another description, its checksum right again."""
    text = json.dumps(json.loads(content["meta.json"]) | changes).encode()
    return [*(content | {"meta.json": text, "meta.sha256": hashlib.sha256(text).hexdigest().encode()}).items()]


def npy(array: np.ndarray, **how) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **how)
    return out.getvalue()


def with_array(members: dict[str, bytes], content: bytes) -> list[tuple]:
    digests = json.loads(members["meta.json"])["members"] | {"mu": hashlib.sha256(content).hexdigest()}
    return described(members | {"mu.npy": content}, members=digests)


HOSTILE = {
    "changed array": (lambda m: [*(m | {"mu.npy": npy(np.zeros((2, 2)))}).items()], "'mu.npy' was changed"),
    "changed description": (lambda m: [*(m | {"meta.json": m["meta.json"] + b" "}).items()], "'meta.json' was changed"),
    "missing array": (lambda m: [x for x in m.items() if x[0] != "mu.npy"], "lacks its member 'mu.npy'"),
    "no description": (lambda m: [x for x in m.items() if x[0] != "meta.json"], "lacks its member 'meta.json'"),
    "newer format": (
        lambda m: described(m, version=[2, 0], written_by="foldwise 9.9"),
        "foldwise 9.9 in format 2.*--upgrade",
    ),
    "other format": (lambda m: described(m, format="other"), "is no saved fit"),
    "no version": (lambda m: described(m, version="1"), "does not say which version"),
    "pickle": (
        lambda m: with_array(m, npy(np.array([print], dtype=object), allow_pickle=True)),
        "forbidden type object",
    ),
    "bare pickle": (lambda m: with_array(m, pickle.dumps(print)), "is no array"),
    "structured": (lambda m: with_array(m, npy(np.zeros(2, "i4,f8"))), "forbidden type"),
    "claims more": (lambda m: with_array(m, npy(np.zeros(4)).replace(b"(4,)", b"(9,)")), "does not have the size"),
    "path upwards": (lambda m: [*m.items(), ("../../evil.npy", b"x")], "forbidden name"),
    "absolute path": (lambda m: [*m.items(), ("/etc/passwd", b"x")], "forbidden name"),
    "compressed": (lambda m: [*m.items(), ("bomb.npy", b"0" * 10**7, zipfile.ZIP_DEFLATED)], "is compressed"),
    "too many": (lambda m: [*m.items(), *((f"m{i}", b"") for i in range(10_001))], "members; a saved fit has at most"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files(tmp_path, what):
    change, says = HOSTILE[what]
    with pytest.raises(SavedFitError, match=says):
        load_arrays(rebuilt(tmp_path, change))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members(tmp_path):
    with pytest.raises(SavedFitError, match="two members of the same name: 'mu.npy'"):
        load_arrays(rebuilt(tmp_path, lambda m: [*m.items(), ("mu.npy", m["mu.npy"])]))


def test_unknown_members_are_ignored(tmp_path):
    arrays, _ = load_arrays(rebuilt(tmp_path, lambda m: [*m.items(), ("later.bin", b"x")]))
    assert set(arrays) == set(ARRAYS)


def test_other_files(tmp_path):
    (tmp_path / "text").write_text("gene,S1\n")
    with pytest.raises(SavedFitError, match="no saved fit"):
        load_arrays(tmp_path / "text")
    with pytest.raises(fw.FoldwiseError, match="There is no file"):
        load_arrays(tmp_path / "absent")
