"""The record of findings: what is written is read again, and what contradicts itself is refused."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from whyset.errors import BrokenRunError, InputError
from whyset.store import Run, open_run
from whyset.store.effects import EffectSummary, Estimate
from whyset.store.findings import Finding, Findings, FoundExample, list_findings, write_findings
from whyset.store.findings.codec import RunLimits, findings_from_json, to_json
from whyset.store.jsonfile import json_checksum, read_json, replace_json
from whyset.store.remote import RemotePath
from whyset.testing.store import MAP_SHAPE, example_run, write_pending

PAGE = (Path(__file__).parents[3] / "docs/file-format.md").read_text()

EFFECT = EffectSummary(*[Estimate(0.72, (0.68, 0.76), 98)] * 4)
EXAMPLE = FoundExample(3, 4, 0, ((1, 3), (0, 2)), 0, 1, 0.25, 0.75)
ONE = Finding(
    "00001", "truck", "suspicion", "Few other images have it.", {"name": "window", "fields": {"side": 2}},
    "window of 2", "another window", (3, 5), (3, 5, 9), 18, (0.5, 0.25, 2.0), Estimate(0.002, (0.0, 0.01), 500),
    Estimate(0.9, None, 1), EFFECT, Estimate(0.1, (0.05, 0.2), 18), 0.4, "upper right", (EXAMPLE,),
)  # fmt: skip
LIMITS = RunLimits(37, MAP_SHAPE[1:], 2)

shares = st.floats(0, 1)
intervals = st.tuples(shares, shares).map(sorted).map(tuple)
estimates = st.builds(Estimate, shares, st.none() | intervals, st.integers(1, 99))
summaries = st.builds(EffectSummary, estimates, estimates, estimates, estimates, st.none() | estimates)
regions = st.sampled_from([None, ((0, 5), (0, 3)), ((4, 5), (2, 3))])
examples = st.builds(
    FoundExample, st.integers(0, 36), st.integers(0, 36), st.integers(-1, 1), regions, st.integers(0, 9),
    st.integers(0, 9), shares, shares,
)  # fmt: skip


@st.composite
def findings(draw: Any) -> Finding:
    kind = draw(st.sampled_from(["suspicion", "strategy", "not_confirmed"]))
    maybe = st.none() if kind == "not_confirmed" else st.nothing()
    rows = tuple(draw(st.lists(st.integers(0, 36), unique=True, max_size=5)))
    return Finding(
        draw(st.text()), draw(st.text()), kind, draw(st.text()), draw(maybe | st.just({"name": "window"})),
        draw(st.text()), draw(st.text()), rows[:2], rows, len(rows) + draw(st.integers(0, 9)),
        tuple(draw(st.floats(-9, 9)) for _ in rows), draw(st.none() | estimates), draw(st.none() | estimates),
        draw(maybe | summaries), draw(estimates), draw(st.none() | st.floats(0, 9)), draw(st.none() | st.text()),
        tuple(draw(st.lists(examples, max_size=2))), draw(st.sampled_from(["image", "text", "table"])),
    )  # fmt: skip


@given(findings())
def test_findings_are_read_as_they_were_stored(given: Finding) -> None:
    assert findings_from_json([to_json(given)], LIMITS) == (given,)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return write_pending(example_run(tmp_path / "run"))


@pytest.fixture
def changed_hosts() -> np.ndarray[Any, Any]:
    return np.arange(2 * np.prod(MAP_SHAPE), dtype=np.uint8).reshape(2, *MAP_SHAPE)


def make(run: Run, *found: Finding, **changes: Any) -> Findings:
    return Findings(run.path, findings=found, n_searched=2, **changes)


def test_findings_of_a_run_are_read_with_their_examples(run: Run, changed_hosts: Any) -> None:
    strategy = replace(ONE, kind="strategy", class_name="dog", examples=())
    given = make(run, ONE, strategy, config={"seed": 3}, not_searched={"00000": "too few samples"})
    write_findings(run, given, changed_hosts)
    found = run.findings()
    assert run.finding_names == ["findings"]
    assert (found.findings, found.config, found.not_searched) == ((ONE, strategy), {"seed": 3}, given.not_searched)
    assert [one.class_name for one in found] == ["truck", "dog"]
    assert (found.n_searched, found.problem, found.outdated) == (2, None, False)
    stored = found.examples()
    assert stored is not None
    assert stored.dtype == run.inputs.dtype
    np.testing.assert_array_equal(stored, changed_hosts)
    assert run.verify() == []


def test_examples_are_those_of_the_findings_that_are_read(run: Run, changed_hosts: Any) -> None:
    before = write_findings(run, make(run, ONE), changed_hosts)
    after = write_findings(run, make(run, ONE), changed_hosts + 1)
    np.testing.assert_array_equal(after.examples(), changed_hosts + 1)
    with pytest.raises(BrokenRunError, match="search again: whyset find"):
        before.examples()
    write_findings(run, make(run, replace(ONE, examples=())))
    assert run.findings().examples() is None
    assert [file.name for file in run.findings().path.iterdir()] == ["findings.json"]


def test_a_search_without_findings_is_stored(run: Run) -> None:
    found = write_findings(run, make(run, problem="the run has no model"))
    assert (len(found), found.problem, len(found.table)) == (0, "the run has no model", 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": (3, 5, 37)}, "rows from 0 to 36, got 37"),
        ({"seeds": (-1,)}, "rows from 0 to 36, got -1"),
        ({"rows": (3, 5, 3)}, "each row of rows once"),
        ({"scores": (0.5,)}, "one score for each of 3 rows, got 1"),
        ({"n_samples": 2}, "at most 2 rows"),
        ({"effect": None}, "an intervention and its effect for a suspicion"),
        ({"intervention": None}, "an intervention and its effect for a suspicion"),
        ({"prevalence": Estimate(1.5, None, 3)}, "share from 0 to 1 and its interval for prevalence"),
        ({"others_share": Estimate(0.5, (0.6, 0.4), 3)}, "share from 0 to 1 and its interval for others_share"),
        ({"examples": (replace(EXAMPLE, index=2),)}, "example 0: expected an index from -1 to 1, got 2"),
        ({"examples": (EXAMPLE, replace(EXAMPLE, host_row=99))}, "rows from 0 to 36, got 99"),
        ({"examples": (replace(EXAMPLE, region=((2, 2), (0, 1))),)}, "the one after the last"),
        ({"examples": (replace(EXAMPLE, region=((0, 6), (0, 1))),)}, "a region within"),
        ({"examples": (replace(EXAMPLE, region=((0, 1),)),)}, "a region with 2 axes, got 1"),
        ({"examples": (replace(EXAMPLE, probability_after=1.01),)}, "probabilities from 0 to 1, got 1.01"),
        ({"examples": (replace(EXAMPLE, before=-1),)}, "numbers of outputs"),
    ],
    ids=str,
)
def test_contradictions_are_refused_by_writers_and_readers(
    changes: dict[str, Any], message: str, run: Run, changed_hosts: Any
) -> None:
    bad = replace(ONE, **changes)
    with pytest.raises(InputError, match=message):
        write_findings(run, make(run, bad), changed_hosts)
    assert run.finding_names == []
    write_findings(run, make(run, ONE), changed_hosts)
    change(run, findings=[to_json(bad)])
    with pytest.raises(BrokenRunError, match=message):
        run.findings()
    assert [problem.kind for problem in run.verify()] == ["damaged"]


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"kind": "proof"}, "kind: Input should be 'suspicion', 'strategy' or 'not_confirmed'"),
        ({"rows": ["3"]}, "valid integer"),
        ({"score": "high"}, "valid number"),
        ({"prevalence": None}, "prevalence"),
    ],
    ids=str,
)
def test_fields_of_another_type_are_refused(stored: dict[str, Any], message: str) -> None:
    with pytest.raises(BrokenRunError, match=message):
        findings_from_json([to_json(ONE) | stored])


def test_nan_is_refused_before_anything_is_written(run: Run) -> None:
    with pytest.raises(InputError, match="nan"):
        write_findings(run, make(run, replace(ONE, score=float("nan"), examples=())))
    assert not (run.path / "findings").exists()


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2, 5, 3)), np.zeros((2, 5, 2, 3), np.uint8), np.zeros(3, np.uint8)], ids=repr
)
def test_examples_must_be_like_inputs(run: Run, values: Any) -> None:
    with pytest.raises(InputError, match="as the run stores its inputs"):
        write_findings(run, make(run, ONE), values)


def test_samples_are_named_by_the_modality_of_the_run(tmp_path: Path) -> None:
    run = write_pending(example_run(tmp_path / "run", modality="text"))
    (found,) = write_findings(run, make(run, replace(ONE, examples=())))
    assert found.modality == "text"
    assert "of its texts (3)" in found.sentence


def change(run: Run, **changes: Any) -> None:
    """Change findings.json, with a valid checksum."""
    file = run.path / "findings/findings/findings.json"
    content = read_json(file) | changes
    replace_json(file, content | {"checksum": json_checksum(content)})


def test_damage_is_found(run: Run, changed_hosts: Any) -> None:
    found = write_findings(run, make(run, ONE), changed_hosts)
    (array,) = found.path.glob("*.npy")
    whole = array.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + b"?", b""):
        array.write_bytes(damaged)
        assert [(one.kind, one.where) for one in run.verify()] == [("damaged", "findings/findings")]
        with pytest.raises(BrokenRunError, match=r"examples-.*is damaged.*search again: whyset find"):
            run.findings().examples()
    array.write_bytes(whole)
    assert run.verify() == []
    file = found.path / "findings.json"
    file.write_text(file.read_text().replace("upper right", "lower right"))
    with pytest.raises(BrokenRunError, match="its checksum does not match; search again"):
        run.findings()


@pytest.mark.parametrize(
    "examples",
    [
        {"file": "../../run.json", "dtype": "|u1", "shape": [2], "crc32": ""},
        {"file": "examples-0.npy", "dtype": "|u1", "shape": [2], "crc32": ""},
        {"file": f"examples-{'0' * 32}.npy", "dtype": "|u1", "shape": [2.5], "crc32": ""},
        {"file": f"examples-{'0' * 32}.npy", "dtype": "|u1", "shape": [], "crc32": ""},
        {"file": f"examples-{'0' * 32}.npy"},
        "examples.npy",
    ],
    ids=str,
)
def test_descriptions_of_examples_are_validated(run: Run, changed_hosts: Any, examples: Any) -> None:
    write_findings(run, make(run, ONE), changed_hosts)
    change(run, examples=examples)
    with pytest.raises(BrokenRunError, match=r"findings.json is damaged"):
        run.findings()


def test_a_claimed_size_allocates_nothing(run: Run, changed_hosts: Any) -> None:
    found = write_findings(run, make(run, ONE), changed_hosts)
    (array,) = found.path.glob("*.npy")
    change(run, examples={"file": array.name, "dtype": "|u1", "shape": [2**40, *MAP_SHAPE], "crc32": "00000000"})
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({2**40}, 2, 5, 3)}}".ljust(117) + "\n"
    array.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    with pytest.raises(BrokenRunError, match="bytes: expected"):
        run.findings().examples()


def test_findings_from_other_commits_are_outdated(tmp_path: Path) -> None:
    from whyset.store.shards import discard_shard

    run = write_pending(example_run(tmp_path / "run"))
    write_findings(run, make(run, replace(ONE, examples=())))
    discard_shard(run, 1)
    assert run.findings().outdated
    assert "outdated" in {problem.kind for problem in run.verify()}
    assert not write_findings(run, make(run, replace(ONE, examples=()))).outdated
    assert write_findings(run, make(run, data="sha256:0")).outdated


@pytest.mark.parametrize("schema", ["2.0", "0.9", None])
def test_another_major_version_is_refused(schema: str | None, run: Run) -> None:
    write_findings(run, make(run, replace(ONE, examples=())))
    change(run, schema=schema)
    with pytest.raises(InputError, match="format version"):
        run.findings()


def test_a_newer_minor_version_is_read_and_what_it_adds_is_passed_over(run: Run) -> None:
    given = replace(ONE, examples=())
    write_findings(run, make(run, given))
    change(run, schema="1.9", later=[1], findings=[to_json(given) | {"later": 3}])
    assert run.findings().findings == (given,)


def test_findings_that_are_not_there_are_named(run: Run) -> None:
    with pytest.raises(InputError, match="it has none yet: whyset find"):
        run.findings()
    write_findings(run, make(run, name="mine"))
    with pytest.raises(InputError, match="it has mine"):
        run.findings()


def test_files_that_do_not_belong_to_it_are_strays(run: Run) -> None:
    found = write_findings(run, make(run))
    (found.path / f"examples-{'0' * 32}.npy").write_bytes(b"of a killed writer")
    (run.path / "findings/empty").mkdir()
    assert [(one.kind, one.where) for one in run.verify()] == [
        ("stray", "findings/empty"),
        ("stray", f"findings/findings/examples-{'0' * 32}.npy"),
    ]
    write_findings(run, make(run))
    assert [one.where for one in run.verify()] == ["findings/empty"]


def test_findings_are_kept_in_an_object_store(changed_hosts: Any) -> None:
    run = write_pending(example_run(RemotePath(MemoryStore(), "memory://bucket") / "mine"))
    write_findings(run, make(run, ONE), changed_hosts)
    write_findings(run, make(run, ONE), changed_hosts + 1)
    np.testing.assert_array_equal(run.findings().examples(), changed_hosts + 1)
    assert list_findings(run.path) == ["findings"]
    assert run.verify() == []


def test_the_table_and_a_notebook_show_each_finding(run: Run) -> None:
    found = write_findings(run, make(run, replace(ONE, examples=(), class_name="<truck>")))
    (line,) = found.table.to_pylist()
    expected = {"rank": 1, "class": "<truck>", "kind": "suspicion", "n_rows": 3, "n_samples": 18, "turned": 0.72}
    expected |= {"turned_low": 0.68, "turned_high": 0.76, "specificity": 0.9, "specificity_low": None, "score": 0.4}
    assert {name: line[name] for name in expected} == expected
    assert line["sentence"] == found[0].sentence
    shown = found._repr_html_()
    assert "&lt;truck&gt;: 10 % of its images (3) carry a piece at the upper right" in shown
    assert repr(found) == f"<findings 'findings' of {run.path}: 1 findings in 2 searched classes>"


def test_every_field_is_specified(run: Run, changed_hosts: Any) -> None:
    found = write_findings(run, make(run, ONE), changed_hosts)
    page = PAGE.partition("## `findings/<name>/`")[2].partition("\n## ")[0]
    stored = json.loads((found.path / "findings.json").read_text())
    tables = [table.partition("\n\n")[0] for table in page.split("\n| field ")[1:]]
    for table, names in zip(tables, (stored, asdict(ONE), asdict(EXAMPLE)), strict=True):
        cells = "".join(line.split("|")[1] for line in table.splitlines()[2:])
        assert set(cells.split("`")[1::2]) == set(names)
    assert {part.name for part in fields(type(found.stored_examples))} <= set(page.split("`"))


def test_a_run_that_is_sent_to_a_worker_finds_them(run: Run) -> None:
    write_findings(run, make(run, replace(ONE, examples=())))
    assert open_run(run.path).findings().findings == run.findings().findings
