"""The catalogue that ships is complete and truthful; and of it each machine is recommended what suits it."""

from pathlib import Path

import pytest

from appliance.local.catalogue import catalogue, load, recommended, tokens_a_second
from appliance.local.kinds import ModelKind
from appliance.local.registry import ID_PATTERN

GB = 10**9


@pytest.mark.parametrize("model_id", catalogue())
def test_every_model_is_described_completely(model_id: str) -> None:
    entry = catalogue()[model_id]
    assert ID_PATTERN.fullmatch(model_id)
    assert entry.title
    assert entry.good_for.endswith(".")
    assert len(entry.good_for) <= 130
    assert entry.memory > entry.size > 10**7
    assert entry.is_permissive == (entry.licence in ("Apache-2.0", "MIT"))
    assert entry.context >= 512
    assert (entry.source is None) != (not entry.huggingface)
    assert bool(entry.rank) == (entry.kind is ModelKind.CHAT and not entry.demonstration)
    if entry.huggingface:
        assert len(entry.revision) == 40  # a branch may be moved on; this can't


def test_nothing_in_it_is_an_address() -> None:
    text = (Path(__file__).resolve().parents[3] / "models" / "catalogue.toml").read_text()
    assert "://" not in text
    assert len(catalogue()) >= 11
    assert [entry.demonstration for entry in catalogue().values()].count(True) == 1


ENTRY = """
[[models]]
id = "a"
title = "A"
kind = "chat"
demonstration = false
licence = "MIT"
context = 1
memory = 1
good_for = "x"
file = "a.gguf"
sha256 = "%s"
huggingface = "a/b"
bytes = 5
""" % ("0" * 64)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("bytes = 5", ""),
        ('huggingface = "a/b"', ""),
        ('huggingface = "a/b"', 'huggingface = "../b"'),
        ('huggingface = "a/b"', 'huggingface = "https://a/b"'),
        ('file = "a.gguf"', 'file = "../a.gguf"'),
        ('file = "a.gguf"', 'file = "registry.json"'),
        ("0" * 64, "0" * 63),
        ("bytes = 5", "bytes = 5\nsize = 5"),
        ("bytes = 5", "bytes = 5" + ENTRY),
        ("bytes = 5", "bytes = 5" + ENTRY.replace('id = "a"', 'id = "b"')),
    ],
)
def test_a_catalogue_that_is_wrong_is_refused(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(ENTRY)
    assert load(path)["a"].size == 5
    path.write_text(ENTRY.replace(before, after))
    with pytest.raises(ValueError):  # noqa: PT011 - by tomllib, msgspec, or ourselves
        load(path)


class TestRecommended:
    @pytest.mark.parametrize("memory_bytes", [0, GB // 2, 2 * GB, 4 * GB, 8 * GB, 16 * GB, 500 * GB])
    @pytest.mark.parametrize("cores", [1, 2, 4, 8, 64])
    @pytest.mark.parametrize("has_gpu", [False, True])
    def test_it_fits_and_may_be_used_freely(self, memory_bytes: int, cores: int, has_gpu: bool) -> None:
        entry, why = recommended(memory_bytes, cores, has_gpu)
        assert entry.kind is ModelKind.CHAT
        assert entry.is_permissive
        assert entry.demonstration or entry.memory <= memory_bytes
        assert f"{memory_bytes / GB:.1f} GB" in why

    def test_the_toy_is_never_chosen_where_something_better_fits(self) -> None:
        assert recommended(GB // 2, 4, False)[0].demonstration
        assert not recommended(GB, 1, False)[0].demonstration

    def test_more_of_a_machine_gets_more_of_a_model(self) -> None:
        ranks = [recommended(memory, cores, False)[0].rank for memory, cores in ((GB, 2), (3 * GB, 4), (6 * GB, 4), (12 * GB, 8))]
        assert ranks == sorted(set(ranks))
        assert recommended(12 * GB, 8, True)[0].rank > ranks[-1]

    def test_a_processor_is_not_given_what_it_would_write_at_a_crawl(self) -> None:
        for cores in (2, 3, 4, 8, 64):
            entry, why = recommended(500 * GB, cores, False)
            assert tokens_a_second(entry, cores) >= 10
            assert f"tokens a second on {cores} cores" in why
