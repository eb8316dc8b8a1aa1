"""What the Guess says, in the language in which the prose asks. Pure; escapes nothing."""

from collections.abc import Mapping

from interp.predictions import MARKS

ON_CONTROLS = ("own", "keep", "forget", "sure", "yes", "no", "gone", "silent")
SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "ask": "Your guess?",
        "yours": "You guessed {guess}; change it if you like.",
        "both": "You guessed {guess}. {outcome} came out.",
        "own": "Your guess, in a few words",
        "keep": "Keep",
        "kept": "Kept; change it if you like.",
        "counted": "{made} of {all} guesses made in this notebook; kept in {file} beside it.",
        "only counted": "{made} of {all} guesses made in this notebook.",
        "forget": "Forget my guesses",
        "sure": "This deletes {file}: the guesses in all notebooks of this folder.",
        "yes": "Forget them",
        "no": "Keep them",
        "unsaved": "{file} cannot be read or written ({why}) and was left as it is: your guesses are kept "
        "until Python stops. Move the file, or choose a folder that you may write to.",
        "gone": "Python was restarted or has stopped: run this cell again.",
        "silent": "Python is busy: your guess is kept when it is free.",
        "still": "Here a guess is kept when the notebook runs.",
        "still yours": "Your guess: {guess}",
    },
    "zh": {
        "ask": "你猜呢？",
        "yours": "你猜的是 {guess}；想改就改。",
        "both": "你猜的是 {guess}。结果是 {outcome}。",
        "own": "用几个词写下你的猜测",
        "keep": "记下",
        "kept": "记下了；想改就改。",
        "counted": "这本笔记本里猜了 {made} 个，共 {all} 个；记在它旁边的 {file} 里。",
        "only counted": "这本笔记本里猜了 {made} 个，共 {all} 个。",
        "forget": "忘掉我的猜测",
        "sure": "这会删除 {file}：也就是这个文件夹里所有笔记本的猜测。",
        "yes": "忘掉",
        "no": "留着",
        "unsaved": "{file} 无法读取或写入（{why}），没有改动它：你的猜测会留到 Python 停止为止。"
        "请移走这个文件，或者换一个可以写入的文件夹。",
        "gone": "Python 重启过，或者已经停止：请再运行一次这个单元格。",
        "silent": "Python 正忙：等它空下来，就会记下你的猜测。",
        "still": "笔记本运行时，这里会记下你的猜测。",
        "still yours": "你的猜测：{guess}",
    },
}  # fmt: skip
assert SAID.keys() == MARKS.keys()


def told(language: str, guess: str, outcome: str, choices: Mapping[str, str]) -> str:
    """What stands beneath the choices: asked, guessed, or guessed beside what came out."""
    said = SAID[language]
    if not choices:
        return said["kept"] if guess else said["ask"]
    if guess not in choices:
        return said["ask"]
    return said["both" if outcome else "yours"].format(guess=guess, outcome=outcome)
