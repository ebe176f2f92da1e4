"""Files that an operator writes, spoilt in every way: what is wrong is told with its place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config import load_config
from reconciler.errors import ConfigurationError
from reconciler.sources import mapping
from reconciler.sources.mapping import load_mapping
from tests.config_folder import ENVIRON, MINIMAL

PACKAGED = Path(mapping.__file__).with_name("mapping.toml").read_text("utf-8")
FILES = settings.default.max_examples // 2  # type: ignore[union-attr]  # tests/conftest.py has set it
ODD = (
    '""', '"x"', '"\\u0000"', '"\\u001b[2J\\u202e"', "0", "-1", "1e400", "nan", "9" * 5000, "true", "[]",
    "{}", "[[]]", "[{}, 1]", '["x", "x"]', "1979-05-27", "{ path = 1 }", '{ path = "" }', '{ "" = "" }',
    "'''",
    "{ a.b.c = {} }", "[" * 3000, '{ env = "" }', '{ file = "/" }', '{ env = "A", file = "B" }',
)  # fmt: skip


@pytest.mark.parametrize("odd", ["[" * 3000, "9" * 5000], ids=["deep", "long"])
def test_what_cannot_be_read_at_all_is_told_as_such(folder: Path, odd: str) -> None:
    mapping_file, client_file = folder / "mapping.toml", folder / "clients.d" / "one.toml"
    mapping_file.write_text(f"x = {odd}", "utf-8")
    with pytest.raises(ConfigurationError) as wrong:
        load_mapping(mapping_file)
    assert "not TOML" in wrong.value.problems[0].message
    client_file.write_text(f"x = {odd}", "utf-8")
    with pytest.raises(ConfigurationError) as wrong:
        load_config(folder / "reconciler.toml", ENVIRON)
    assert any("not TOML" in problem.message for problem in wrong.value.problems)


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> bytes:
    """A file in which some lines say something else, are missing, doubled, or are no text at all."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        name, said, _ = lines[at].partition("=")
        way = draw(st.sampled_from(("odd", "odd", "name", "gone", "twice", "table")))
        if way == "odd":
            lines[at] = f"{name}= {draw(st.sampled_from(ODD))}" if said else lines[at]
        elif way == "name":
            lines[at] = draw(st.text(max_size=20)) + lines[at]
        elif way == "table":
            lines.insert(
                at, draw(st.sampled_from(("[x]", "[[lists]]", "[lists]", "[clients.x.otys]", "[clients]")))
            )
        else:
            lines[at : at + 1] = [] if way == "gone" else [lines[at]] * 2
    whole = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(st.sampled_from((whole, whole[: len(whole) // 2], whole + b"\xff", b"\xff\xfe" + whole)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    (made / "reconciler.toml").write_text("", "utf-8")
    (made / "clients.d").mkdir()
    return made


@settings(max_examples=FILES)
@given(content=spoilt(PACKAGED))
def test_every_spoilt_mapping_is_understood_or_its_places_are_named(folder: Path, content: bytes) -> None:
    own = folder / "mapping.toml"
    own.write_bytes(content)
    try:
        load_mapping(own)
    except ConfigurationError as wrong:
        names_places(wrong, own)


@settings(max_examples=FILES)
@given(content=spoilt(MINIMAL))
def test_every_spoilt_file_of_a_client_is_understood_or_its_places_are_named(
    folder: Path, content: bytes
) -> None:
    own = folder / "clients.d" / "one.toml"
    own.write_bytes(content)
    try:
        load_config(folder / "reconciler.toml", ENVIRON)
    except ConfigurationError as wrong:
        names_places(wrong, own)


def names_places(wrong: ConfigurationError, file: Path) -> None:
    assert wrong.problems
    for problem in wrong.problems:
        assert problem.path or file.name in problem.message, problem
        assert problem.message
