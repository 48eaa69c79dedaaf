"""Output files: checked before the work starts, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from expsim_panel.errors import InputError, shown

STANDARD_OUTPUT = "-"


class Target:
    """A file that a command will write.

    Parameters
    ----------
    flag : str
        The option that named it, for errors.
    name : str
        Path as given.
    sources : tuple of str
        Files that the command reads, which must not be overwritten.

    Raises
    ------
    InputError
        Nothing can be written there.
    """

    def __init__(self, flag: str, name: str, sources: tuple[str, ...] = ()) -> None:
        self.flag, self.name = flag, name
        if not name.strip() or name == STANDARD_OUTPUT:
            raise self._refusal(f"{name!r} is no file")
        # Writing through a link keeps the link. Devices and pipes (/dev/stdout) resolve to no path at all.
        whole = not os.path.exists(name) or os.path.isfile(name) or os.path.isdir(name)
        self.path = Path(os.path.realpath(name)) if whole else Path(name)
        try:
            for source in sources:
                if self.path.exists() and os.path.exists(source) and os.path.samefile(self.path, source):
                    raise self._refusal("would overwrite the input")
            self._probe()
        except OSError as error:
            raise self._refusal(f"cannot be written ({error.strerror or error})") from None

    def _refusal(self, problem: str) -> InputError:
        remedy = "give a file in a folder that exists and can be written to"
        return InputError(shown(self.name)[1:-1] or "''", self.flag, problem, remedy)

    @property
    def special(self) -> bool:
        """Whether this is a device or pipe, which must be written to, never replaced."""
        return self.path.exists() and not self.path.is_file()

    def _probe(self) -> None:
        """Raise OSError where writing will fail."""
        if self.path.is_dir():
            raise IsADirectoryError(21, "it is a directory")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(2, "its folder does not exist")
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise PermissionError(13, "permission denied")
        if not self.special:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".expsim-")
            os.close(handle)
            os.unlink(name)

    def write(self, text: str) -> None:
        """Write `text` whole: into a new file beside it, which then takes its place.

        Raises
        ------
        InputError
            The place can no longer be written to; what was there is unchanged.
        """
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self.special:
                self.path.write_bytes(data)
            else:
                self._replace(data)
        except OSError as error:
            raise self._refusal(f"cannot be written ({error.strerror or error})") from None

    def _replace(self, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".expsim-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, self._mode())
            os.replace(name, self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _mode(self) -> int:
        """Return the permissions of the file there, or else those of any new file."""
        if self.path.exists():
            return self.path.stat().st_mode & 0o777
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def targets(given: dict[str, str | None], sources: tuple[str, ...] = ()) -> dict[str, Target]:
    """Check the output files of a command, by flag; `None` and standard output are left out.

    Raises
    ------
    InputError
        One cannot be written, or two are the same file.
    """
    made: dict[str, Target] = {}
    for flag, name in given.items():
        if name is None or (flag == "--json" and name == STANDARD_OUTPUT):
            continue
        one = Target(flag, name, sources)
        for other in made.values():
            if one.path == other.path and not one.special:
                raise InputError(name, flag, f"is also the file of {other.flag}", "give every output its own file")
        made[flag] = one
    return made
