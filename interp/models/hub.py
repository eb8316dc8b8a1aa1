"""The hub: is a model there, and its files fetched. Only this file may touch the network."""

import http.client
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from interp.models import fetching, folders, memory
from interp.models.refusals import ModelNotFound
from interp.models.weight_files import INDEX, SHARDS, WEIGHTS

BESIDE_WEIGHTS = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json"
)  # fmt: skip
_SECONDS_FOR_THE_HUB = 3.0
_NOT_HERE = "it is no folder, not in the cache, and"
_WEB_PAGE = (
    "a web page came instead of a file (a log-in page?). Open the hub in a browser, log in, try again."
)
_ANSWERS = {  # what the hub's numbers mean, and what to do
    401: "this machine has no access to it. Check the name; for a private model set HF_TOKEN.",
    403: "access is forbidden. Ask its owner for access on its page, and set HF_TOKEN.",
    404: "it has no such model. Check the name.",
    407: "the proxy on the way asks who you are. Write your name there into HTTPS_PROXY, and try again.",
    416: "a file that was half fetched does not fit. Delete the model's folder in the cache, and try again.",
    429: "there were too many requests. Wait some minutes, or set HF_TOKEN, and try again.",
}
_HUBS_FAULT = "the hub has trouble of its own. Try again later."
_NO_REVISION = "it has no such revision of it. Look at the model's page for its branches, tags and commits."
_NO_CONFIG = "it has the model, but no config.json. Take one in the form of the transformers library."


@dataclass(frozen=True)
class HubName:
    """A model on the hub, and which version of it: a branch, a tag or a commit."""

    model: str
    revision: str = "main"

    @classmethod
    def read(cls, asked: str) -> "HubName":
        """The name in `model` or `model@revision`."""
        model, at, revision = asked.partition("@")
        return cls(model, revision if at else "main")

    @property
    def short(self) -> str:
        """How the model is called here."""
        name = self.model.removeprefix("openai-community/").replace("/", "--")
        return name if self.revision == "main" else f"{name}@{self.revision}"


def endpoint() -> str:
    """The hub's address, or that of the mirror in HF_ENDPOINT."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def host() -> str:
    """The hub's host, or its mirror's, as it is told."""
    return urlsplit(endpoint()).netloc or endpoint()


def is_offline() -> bool:
    """Whether the user forbids fetching."""
    return os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE")


@contextmanager
def offline() -> Iterator[None]:
    """HF_HUB_OFFLINE set: the libraries read it once, at import, and every model comes from a folder.

    The variable is put back, so that it keeps meaning what the user meant by it.
    """
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


def snapshot(name: HubName) -> Path | None:
    """The folder of what the hub's library has cached of this version of a model, whole or not."""
    with offline():
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    try:
        found = (
            try_to_load_from_cache(name.model, file, revision=name.revision)
            for file in ("config.json", WEIGHTS, INDEX)
        )
        return next((Path(file).parent for file in found if isinstance(file, str)), None)
    except HFValidationError:  # no name that the hub could have
        return None


def fetch(asked: str) -> Path:
    """The snapshot of `model` or `model@revision`, downloaded by a process of its own: this one stays
    offline for good. Says beforehand how large it is. Raises ModelNotFound.
    """
    name = HubName.read(asked)
    if is_offline():
        raise ModelNotFound(asked, f"{_NOT_HERE} HF_HUB_OFFLINE forbids fetching it.")
    if not name.revision:
        raise ModelNotFound(asked, "behind the @ stands no revision. Name a branch, a tag or a commit.")
    config = folders.parse_config(asked, _config(asked, name))  # a look before the large download
    memory.say(asked, config, fetched=True)
    program = (sys.executable, "-P", fetching.__file__)
    done = subprocess.run(
        [*program, name.model, name.revision, WEIGHTS, INDEX, SHARDS, *BESIDE_WEIGHTS],
        text=True, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    line = (done.stdout.strip().splitlines() or [""])[-1].strip()
    if done.returncode == fetching.NOTHING_TO_READ:
        raise ModelNotFound(asked, folders.no_safetensors(line or "other files"))
    if done.returncode != 0:
        raise ModelNotFound(asked, _why_not_fetched(line))
    folder = Path(line)
    pages = [file.name for file in sorted(folder.iterdir()) if file.is_file() and _begins_as_page(file)]
    if pages:
        raise ModelNotFound(asked, f"for {pages[0]} {_WEB_PAGE} Then delete {folder.parents[1]}.")
    return folder


def _config(asked: str, name: HubName) -> bytes:
    address = f"{endpoint()}/{name.model}/resolve/{name.revision}/config.json"
    try:
        content = _read(address)
    except urllib.error.HTTPError as answer:
        raise ModelNotFound(asked, f"{_NOT_HERE} {_meaning(answer.code, answer.headers)}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ModelNotFound(asked, f"{_NOT_HERE} {_silence(error)}") from None
    if _is_page(content):
        raise ModelNotFound(asked, f"{_NOT_HERE} {_WEB_PAGE}")
    return content


class _TokenStays(urllib.request.HTTPRedirectHandler):
    """Follows the hub where it points, but shows the user's token to no other host."""

    def redirect_request(self, req: urllib.request.Request, *rest, **more) -> urllib.request.Request | None:
        further = super().redirect_request(req, *rest, **more)
        if further is not None and (further.type, further.host) != (req.type, req.host):
            further.remove_header("Authorization")
        return further


def _read(address: str) -> bytes:
    with offline():
        from huggingface_hub import get_token
    token = get_token()
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    opener = urllib.request.build_opener(_TokenStays)
    with opener.open(request, timeout=_SECONDS_FOR_THE_HUB) as answer:
        return answer.read()


def _silence(error: Exception) -> str:
    """That nothing answers, why, and what stands between."""
    address, reason = urlsplit(endpoint()), getattr(error, "reason", error)
    if address.scheme not in ("http", "https") or not address.netloc:
        return f"HF_ENDPOINT is {endpoint()!r}, no web address. Write one such as https://huggingface.co."
    told = f"{host()} does not answer ({getattr(reason, 'strerror', None) or reason})."
    proxy = urllib.request.getproxies().get(address.scheme)
    if not proxy or urllib.request.proxy_bypass(address.netloc):
        return told
    between = urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc.rpartition("@")[2]  # no password
    return f"{told} It was asked through the proxy {between}: check {address.scheme.upper()}_PROXY."


def _meaning(code: int, headers: Message | None = None) -> str:
    """What an answer of the hub that is no file means, and what to do."""
    more = {"RevisionNotFound": _NO_REVISION, "EntryNotFound": _NO_CONFIG}
    known = more.get(str((headers or {}).get("X-Error-Code"))) or _ANSWERS.get(code)
    known = known or (_HUBS_FAULT if code >= 500 else "that is no file. Try again later.")
    return f"{host()} answers {code}: {known}"


def _is_page(content: bytes) -> bool:
    return re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml)", content, re.IGNORECASE) is not None


def _begins_as_page(file: Path) -> bool:
    with file.open("rb") as opened:
        return _is_page(opened.read(256))


def _why_not_fetched(told: str) -> str:
    """What stopped a download, from the last line of the program that fetched."""
    code = re.search(r"(\d{3}) (?:client|server) error|(?:client|server) error '(\d{3})", told, re.IGNORECASE)
    if code:
        return f"{_NOT_HERE} {_meaning(int(code[1] or code[2]))}"
    if "No space left" in told:
        return "the hub answered, but the disk is full. Make room, and try again."
    reason = told.partition(": ")[2] or told
    return "the hub answered, but the download did not finish" + (f" ({reason})." if reason else ".")
