"""R16: fifty canaries in environment, headers, URLs, bodies, logs, errors and tracebacks; none is in any artefact."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from harness.fuzzing.cases import Case, save
from harness.model.secret import Secret
from tests.conftest import REHEARSE, ROOT
from tests.faults.rows import Row, Trial

R16 = Row("R16")
ENV, FILE, HEADER, URL, BODY = range(12), range(12, 20), range(20, 24), range(24, 28), range(28, 32)
NAMED, RAISED = range(32, 42), range(42, 50)
SCENARIO = '''
from harness import Effect, Outcome, Process, Progress, Scenario, Secret, Service, trigger


class Leaky(Scenario):
    """A batch that leaks."""

    usual, scales, quiet = 60, (1,), "0s"
    batch = Service(
        port=8000, ready="/health", memory="64 MiB",
        env={{
            **{{f"LEAK_{{n}}": Secret.env(f"CANARY_{{n}}") for n in {env}}},
            **{{f"LEAK_{{n}}": Secret.file(f"{folder}/canary-{{n}}") for n in {file}}},
            **{named!r},
        }},
        process=Process(command="python leaky.py {{port}} {folder}/witness", cwd={toys!r}),
    )

    @trigger("JSON list")
    def by_json(self, live, users):
        secret = lambda numbers: [Secret.env(f"CANARY_{{n}}") for n in numbers]
        return live.batch.send(live.batch.build(
            "POST", "/run",
            params=[(f"q{{n}}", one) for n, one in enumerate(secret({url}))],
            headers=[(f"X-Leak-{{n}}", one) for n, one in enumerate(secret({header}))],
            json={{"users": [[user.id, user.name] for user in users], "secrets": secret({body})}},
        ))

    def outcomes(self, live):
        return [Outcome(*row) for row in live.batch.get("/items", whole=True).expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/ledger").expect().json()]

    def expected(self, user):
        return None

    def progress(self, live):
        said = [outcome.said for outcome in self.outcomes(live)]
        return Progress(said.count("ok"), said.count("failed"), False)
'''
RAISING = """
    def seed(self, live, users):
        shown = " and ".join(Secret.env(f"CANARY_{{n}}").reveal() for n in {raised})
        open("{folder}/witness", "a").write("\\n".join(shown.split(" and ")) + "\\n")
        {how}
"""


def canary(number: int) -> str:
    """A secret like no other; those that are known by value have what encodings change."""
    text = base64.b64encode(hashlib.sha256(f"canary {number}".encode()).digest()).decode()
    plain = "".join(letter for letter in text if letter.isalnum())[:20]
    return f"Cn{number:02}{plain}aB3" if number in NAMED else f'Cn{number:02}+/&"={plain}'


def encodings(secret: str) -> dict[str, bytes]:
    """What of a secret must be in no artefact: six encodings; of base64 what does not depend on its place."""
    raw = secret.encode()
    found = {
        "as it is": raw,
        "JSON": json.dumps(secret)[1:-1].encode(),
        "URL": quote(secret, safe="").encode(),
        "form": quote_plus(secret).encode(),
        "hex": raw.hex().encode(),
        "HTML": html.escape(secret).encode(),
    }
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw).rstrip(b"=")
        found[f"base64 after {before}"] = coded[4:-4]
        found[f"base64 for URLs after {before}"] = coded[4:-4].replace(b"+", b"-").replace(b"/", b"_")
    return found


@dataclass(frozen=True)
class Leaked:
    """What two rehearsals left: files and what was printed, by name, and the canaries that were really there."""

    artefacts: dict[str, bytes]
    witness: set[str]


@pytest.fixture(scope="module")
def leaked(tmp_path_factory: pytest.TempPathFactory) -> Leaked:
    folder = tmp_path_factory.mktemp("leaky")
    facts = {
        "folder": folder, "env": list(ENV), "file": list(FILE), "url": list(URL), "header": list(HEADER),
        "body": list(BODY), "raised": list(RAISED), "toys": str(ROOT / "tests/toy"),
        "named": {f"NAMED_{n}": canary(n) for n in NAMED},
    }  # fmt: skip
    for number in FILE:
        (folder / f"canary-{number}").write_text(canary(number) + "\n")
    environment = {**os.environ, **{f"CANARY_{n}": canary(n) for n in (*ENV, *HEADER, *URL, *BODY, *RAISED)}}
    whole = SCENARIO.format(**facts)
    texts = {"leaky": whole}
    for number, how in enumerate(("raise ValueError(shown)", "raise BaseException(shown)")):
        texts[f"raising{number}"] = whole + RAISING.format(**facts, how=how)
    out, latest = folder / "reports", folder / "reports/leaky/latest"
    runs: dict[str, list[str | Path]] = {}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
        runs[name] = ["run", folder / f"{name}.py", "--out", out, "--stage", "process", "--json"]
    runs["leaky"] += ["--probes", "causes"]
    printed: dict[str, bytes] = {}

    def call(name: str, words: list[str | Path]) -> None:
        ran = subprocess.run(
            [*REHEARSE, *map(str, words)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=False,
            timeout=300,
        )
        printed.update({f"{name}: stdout": ran.stdout, f"{name}: stderr": ran.stderr})

    later: dict[str, list[str | Path]] = {"judge": ["judge", latest], "compare": ["compare", latest, latest]}
    with ThreadPoolExecutor() as pool:
        for calls in (runs, later):
            list(pool.map(call, calls, calls.values()))
    files = {str(path): path.read_bytes() for path in (folder / "reports").rglob("*") if path.is_file()}
    return Leaked({**printed, **files}, set((folder / "witness").read_text().splitlines()))


@R16.trials("a canary", quick=50, full=50)
def test_no_artefact_shows_a_secret(trial: Trial, leaked: Leaked) -> None:
    secret = canary(trial.number)
    assert secret in leaked.witness, "it was really there"
    trial.fired("the service itself, or the scenario, wrote down that it had it")
    hits = [
        f"{name} ({encoding})"
        for name, content in leaked.artefacts.items()
        for encoding, form in encodings(secret).items()
        if form in content
    ]
    assert hits == []


def test_what_is_no_secret_is_all_there(leaked: Leaked) -> None:
    assert any(b"refused with" in content for content in leaked.artefacts.values())
    logs = b"".join(content for name, content in leaked.artefacts.items() if name.endswith(".log"))
    assert (
        b"leaking ***" in logs
        and b"login with password=***" in logs
        and b"postgres://app:***@db/payouts" in logs
    )
    report = json.loads(leaked.artefacts["leaky: stdout"])
    assert [finding["code"] for finding in report["findings"]].count("ITEM-010") == 1
    tests = [content for name, content in leaked.artefacts.items() if "/causes/test_" in name]
    assert tests and all(b"outcome_of" in content for content in tests)


def test_a_saved_case_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASE_SECRET", canary(0))
    secret = Secret.env("CASE_SECRET").reveal()
    path = save(
        tmp_path, Case(kind="user", sentence=f"users with {secret} fail", verdict="x", data={"a": secret})
    )
    assert not [form for form in encodings(secret).values() if form in path.read_bytes()]
