"""The way to the hub, beside a server on this machine that speaks its protocol and breaks in each way."""

import gzip
import hashlib
import json
import os
import shutil
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from interp import hooks, models
from interp.models import ModelNotFound

COMMIT, OLDER = "a" * 40, "b" * 40
CHUNK = 10 * 2**20  # bytes that the hub's library writes at a time


class Hub(ThreadingHTTPServer):
    """Models by their id, each a folder; what it was asked; and how it breaks: path's end -> what to do."""

    daemon_threads = True

    def handle_error(self, *_):
        pass  # whoever asked hung up

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.folders, self.asked, self.breaks, self.token = {}, [], {}, None
        self.elsewhere = None  # where large files are fetched from

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """One request, answered as the hub answers it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        hub = self.server
        hub.asked.append((self.command, path, self.headers.get("Authorization"), self.headers.get("Range")))
        for end, broken in hub.breaks.items():
            if path.endswith(end) and broken(self):
                return
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}" and "/cdn/" not in path:
            return self.say(401, b"Invalid username or password.", {"X-Error-Code": "RepoNotFound"})
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.tell_about("/".join(parts[2:4]), parts[4], parts[5])
        if parts[0] == "cdn":
            return self.send((hub.folders["/".join(parts[1:3])] / parts[3]).read_bytes(), {})
        return self.resolve("/".join(parts[:2]), parts[3], parts[4])

    def folder(self, model, revision):
        if model not in self.server.folders:
            self.say(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("main", "v1", COMMIT, OLDER):
            self.say(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return self.server.folders[model]
        return None

    def tell_about(self, model, what, revision):
        folder = self.folder(model, revision)
        if folder is None:
            return
        files = sorted(file for file in folder.iterdir())
        told = {"id": model, "sha": OLDER if revision == "v1" else COMMIT,
                "siblings": [{"rfilename": file.name} for file in files]}  # fmt: skip
        if what == "tree":
            told = [{"type": "file", "path": file.name, "size": file.stat().st_size, "oid": etag(file)}
                    for file in files]  # fmt: skip
        self.say(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def resolve(self, model, revision, name):
        folder = self.folder(model, revision)
        if folder is None:
            return
        file = folder / name
        if not file.is_file():
            return self.say(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        about = {"X-Repo-Commit": OLDER if revision in ("v1", OLDER) else COMMIT, "ETag": f'"{etag(file)}"'}
        if self.server.elsewhere and name.endswith(".safetensors"):
            large = {"X-Linked-Size": str(file.stat().st_size), "X-Linked-Etag": f'"{etag(file)}"',
                     "Location": f"{self.server.elsewhere}/cdn/{model}/{name}"}  # fmt: skip
            return self.say(302, b"", about | large)
        self.send(file.read_bytes(), about)

    def send(self, content, about):
        start = self.headers.get("Range")
        if start:
            at = int(start.removeprefix("bytes=").split("-")[0])
            about = about | {"Content-Range": f"bytes {at}-{len(content) - 1}/{len(content)}"}
            return self.say(206, content[at:], about)
        self.say(200, content, about)

    def say(self, code, content, headers):
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        return True


def etag(file):
    content = file.read_bytes()
    if file.suffix == ".safetensors":
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def opened(server):
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture
def server(tmp_path, tiny_folder, monkeypatch):
    """The hub of this test: it has `org/own`; the cache is empty, nothing else is in the environment."""
    for name in [name for name in os.environ if name.startswith("HF_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
    with Hub() as made:
        made.folders["org/own"] = Path(shutil.copytree(tiny_folder, tmp_path / "on the hub"))
        monkeypatch.setenv("HF_ENDPOINT", made.address)
        yield opened(made)
        made.shutdown()


def refusal(source):
    with pytest.raises(ModelNotFound) as error:
        models.locate(source)
    said = str(error.value).removeprefix(f"The model {str(source)!r} cannot be loaded: ")
    return said.partition(" There are three ways out:")[0]


def not_here(server):
    return f"it is no folder, not in the cache, and 127.0.0.1:{server.server_port}"


def in_shards(folder):
    tokenizer, whole = AutoTokenizer.from_pretrained(folder), GPT2LMHeadModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    whole.save_pretrained(folder, max_shard_size="60KB")
    tokenizer.save_pretrained(folder)


# What arrives


def test_a_mirror_is_asked_and_its_model_is_the_one_in_its_folder(server, tiny_folder, tokens):
    (server.folders["org/own"] / "pytorch_model.bin").write_bytes(b"not wanted")
    came = hooks.run(models.load("org/own"), tokens)[0]
    assert torch.equal(came, hooks.run(models.load(tiny_folder), tokens)[0])
    assert not any(path.endswith(".bin") for _, path, *_ in server.asked)
    asked = len(server.asked)
    assert models.describe(models.load("org/own")).name == "org--own"
    assert len(server.asked) == asked  # the second time it lies in the cache


def test_shards_arrive_and_a_lost_one_is_fetched_again(server):
    in_shards(server.folders["org/own"])
    place = models.locate("org/own")
    assert place.weights_sha256 == models.locate(server.folders["org/own"]).weights_sha256
    assert len(place.weight_files) > 2
    place.weight_files[0].unlink()
    assert models.locate("org/own").folder == place.folder


def test_a_revision_is_a_model_of_its_own(server):
    assert models.locate("org/own@v1").folder.name == OLDER
    assert models.locate("org/own").folder.name == COMMIT
    place = models.locate("org/own@v1")
    assert (place.folder.name, place.name, place.asked) == (OLDER, "org--own@v1", "org/own@v1")
    assert models.locate("org/own@main").name == "org--own"
    assert models.locate(f"org/own@{OLDER}").folder.name == OLDER


def test_a_download_that_was_cut_off_is_tried_again(server, tiny_folder):
    left = len((tiny_folder / "model.safetensors").read_bytes()) // 2

    def once(request):
        nonlocal left
        if request.command == "HEAD" or not left:
            return False
        content = (tiny_folder / "model.safetensors").read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[:left])
        request.close_connection, left = True, 0
        return True

    server.breaks["model.safetensors"] = once
    place = models.locate("org/own")
    assert left == 0
    assert place.weights_sha256 == models.locate(tiny_folder).weights_sha256


def test_a_download_goes_on_where_the_connection_broke(server):
    folder = server.folders["org/own"]
    model = GPT2LMHeadModel.from_pretrained(folder)
    model.resize_token_embeddings(CHUNK // 128 + 20_000, mean_resizing=False)  # 32 numbers of 4 bytes a row
    model.save_pretrained(folder)
    content, starts = (folder / "model.safetensors").read_bytes(), []

    def breaks_once(request):
        starts.append(request.headers.get("Range"))
        if request.command == "HEAD" or starts[-1]:
            return False
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: CHUNK + 1000])
        request.close_connection = True
        return True

    server.breaks["/model.safetensors"] = breaks_once
    place = models.locate("org/own")
    assert starts == [None, None, f"bytes={CHUNK}-"]  # how large, the first part, the rest
    assert place.weights_sha256 == hashlib.sha256(content).hexdigest()


def test_a_half_finished_download_in_the_cache_is_finished_or_said(server, monkeypatch):
    folder = models.locate("org/own").folder
    (folder / "model.safetensors").unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert refusal("org/own").startswith("the newest copy in the cache has no model.safetensors, and HF_HUB_")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert models.locate("org/own").folder == folder
    assert (folder / "model.safetensors").is_file()


# The token


def test_the_token_opens_a_private_model_and_goes_to_no_other_host(server, monkeypatch):
    server.token = "hf_secret"
    assert refusal("org/own") == (
        f"{not_here(server)} answers 401: this machine has no access to it. Check the name; for a private"
        " model set HF_TOKEN."
    )
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with Hub() as other:
        other.folders = server.folders
        server.elsewhere = opened(other).address.replace("127.0.0.1", "localhost")
        server.breaks["main/config.json"] = lambda request: request.say(
            307, b"", {"Location": f"{server.elsewhere}/cdn/org/own/config.json"}
        ) if request.headers["Authorization"] else False  # fmt: skip
        assert models.locate("org/own").folder.name == COMMIT
        other.shutdown()
    assert {path.rpartition("/")[2] for _, path, *_ in other.asked} >= {"config.json", "model.safetensors"}
    assert {token for *_, token, _ in other.asked} == {None}


# What goes wrong


@pytest.mark.parametrize(
    ("source", "told"),
    [("org/none", "answers 404: it has no such model. Check the name."),
     ("org/own@v9", "answers 404: it has no such revision of it. Look at the model's page for its branches,"
                    " tags and commits."),
     ("org/empty", "answers 404: it has the model, but no config.json. Take one in the form of the"
                   " transformers library.")],
)  # fmt: skip
def test_what_the_hub_has_not_is_said_by_its_kind(server, tmp_path, source, told):
    server.folders["org/empty"] = tmp_path / "empty"
    server.folders["org/empty"].mkdir()
    assert refusal(source) == f"{not_here(server)} {told}"


def test_a_revision_without_a_name_is_refused(server):
    assert refusal("org/own@") == "behind the @ stands no revision. Name a branch, a tag or a commit."
    assert server.asked == []


def test_weights_in_another_form_are_refused_before_they_are_fetched(server):
    weights = server.folders["org/own"] / "model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    assert refusal("org/own").startswith(
        "it has pytorch_model.bin but no model.safetensors; only safetensors"
    )
    assert not any(path.endswith(".bin") for _, path, *_ in server.asked)


CONFIG, WEIGHTS = "main/config.json", "/model.safetensors"


def answers(code, content=b"", **headers):
    """A break: this answer, whatever was asked."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: request.say(code, content, headers)


def hangs_up(request):
    request.close_connection = True
    return True


DAMAGED = "its config.json is damaged: it is not a JSON object."
UNFINISHED = "the hub answered, but the download did not finish ("
BROKEN = {
    "a page as configuration": (CONFIG, answers(200, b"<!doctype html><p>Log in"), "a web page came instead"),
    "an empty configuration": (CONFIG, answers(200), DAMAGED),
    "a list as configuration": (CONFIG, answers(200, b"[1, 2]"), DAMAGED),
    "a packed configuration": (CONFIG, answers(200, gzip.compress(b"{}")), DAMAGED),
    "forbidden": (CONFIG, answers(403), "answers 403: access is forbidden."),
    "too many": (CONFIG, answers(429), "answers 429: there were too many requests."),
    "in trouble": (CONFIG, answers(503), "answers 503: the hub has trouble of its own."),
    "hangs up": (CONFIG, hangs_up, " does not answer (Remote end closed connection without response)."),
    "for ever elsewhere": (CONFIG, answers(307, Location=f"/org/own/resolve/{CONFIG}"), "answers 307: "),
    "gone while fetching": ("revision/main", answers(404, X_Error_Code="RepoNotFound"),
                            "answers 404: it has no such model."),
    "gated while fetching": (f"tree/{COMMIT}", answers(403, X_Error_Code="GatedRepo"),
                             "answers 403: access is forbidden."),
    "no commit named": (WEIGHTS, answers(200, b"x", ETag='"x"'), UNFINISHED),
    "a page as list of files": ("revision/main", answers(200, b"<html>"), UNFINISHED),
    "a page as weights": (WEIGHTS, answers(200, b"<html></html>", ETag='"x"', X_Repo_Commit=COMMIT),
                          "for model.safetensors a web page came"),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_hub_that_breaks_is_told_in_one_sentence(server, how, capfd):
    end, broken, told = BROKEN[how]
    server.breaks[end] = broken
    said = refusal("org/own")
    assert told in said
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("address", "told"),
    [("mirror.example", "HF_ENDPOINT is 'mirror.example', no web address. Write one such as"
                        " https://huggingface.co."),
     ("http://127.0.0.1:9", "127.0.0.1:9 does not answer (Connection refused).")],
)  # fmt: skip
@pytest.mark.usefixtures("server")
def test_a_mirror_that_is_none_is_said(monkeypatch, address, told):
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert refusal("org/own") == f"it is no folder, not in the cache, and {told}"


@pytest.mark.usefixtures("server")
def test_a_proxy_that_fails_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    assert refusal("org/own") == (
        "it is no folder, not in the cache, and hub.example does not answer (Connection refused). It was"
        " asked through the proxy 127.0.0.1:9: check HTTP_PROXY."
    )


def test_a_proxy_that_asks_for_a_name_is_said(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    monkeypatch.setenv("http_proxy", server.address)
    server.breaks[""] = lambda request: request.say(407, b"", {})
    assert "hub.example answers 407: the proxy on the way asks who you are." in refusal("org/own")


def test_without_a_source_the_host_that_was_asked_is_named(server, monkeypatch):
    monkeypatch.delenv("INTERP_MODEL", raising=False)
    server.breaks[""] = lambda request: request.say(503, b"", {})
    with pytest.warns(UserWarning, match=f"nor reachable at 127.0.0.1:{server.server_port}, so the small"):
        models.locate()


# How large it is


@pytest.mark.parametrize(
    ("layers", "width", "told"),
    [(36, 1280, "774 million weights: up to 3.1 GB to fetch, and about 11.6 GB of memory to load"),
     (48, 1600, "1,558 million weights: up to 6.2 GB to fetch, and about 22.8 GB of memory to load")],
)  # fmt: skip
def test_the_memory_of_a_large_model_is_said_before_it_is_fetched(server, monkeypatch, layers, width, told):
    config = {"model_type": "gpt2", "n_layer": layers, "n_embd": width, "n_head": 20, "vocab_size": 50257,
              "n_positions": 1024}  # fmt: skip
    (server.folders["org/own"] / "config.json").write_text(json.dumps(config))
    (server.folders["org/own"] / "model.safetensors").unlink()
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=8e9))
    more = "; 8.0 GB are free. Close other programs, or take a smaller one, such as gpt2 or pocket."
    with pytest.warns(UserWarning) as warned, pytest.raises(ModelNotFound):
        models.locate("org/own")
    assert [str(one.message) for one in warned] == [f"org/own has {told}{more}"]


def test_a_model_that_does_not_fit_is_said_before_it_is_read_and_a_small_one_is_not(tiny_folder, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.locate(tiny_folder)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1e5))
    with pytest.warns(UserWarning, match="loading it takes about 0.0 GB of memory; 0.0 GB are free. Close"):
        models.locate(tiny_folder)
