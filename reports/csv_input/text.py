"""The text of a file, and the error that lists every mistake in it."""

from pathlib import Path


class BadInput(ValueError):
    """`messages` name each mistake and where it stands."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def read_text(path: Path) -> str:
    """What stands in the file, or BadInput in plain words."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadInput([f"{path}: there is no such file"]) from None
    except IsADirectoryError:
        raise BadInput([f"{path}: this is a directory, not a file"]) from None
    except OSError as error:
        raise BadInput([f"{path}: cannot be read: {error.strerror}"]) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise BadInput(
            [f"{path.name}: row {row}: this is not UTF-8 text; save the file as UTF-8"]
        ) from None
    if not text.strip():
        raise BadInput([f"{path.name}: the file is empty"])
    return text
