"""Cut delimited text into whole records, judged on the way: its encoding, its quotes, the number of fields.

Libraries that read such text fast are lenient where it hurts: a row that is too short is filled up, one that is too
long shifts the columns, a byte that is no UTF-8 fails without saying where. So the bytes are looked at here first, a
megabyte at a time and without a loop over rows, and handed on as whole records with the line they begin at.

Quoting is that of RFC 4180: a quote opens and closes a whole field, and is doubled inside one.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, NoReturn

from modelyard.base.errors import InvalidInput
from modelyard.types.mismatch import listed

if TYPE_CHECKING:
    import numpy as np

PIECE = 1 << 20
MAX_RECORD = 16 << 20
"""Bytes of one record; an unclosed quote would otherwise take the rest of the file into memory."""

_MARK = b"\xef\xbb\xbf"
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


@dataclass(frozen=True, slots=True)
class Records:
    """Some whole records, as they stand in the file; blank lines between them do not count."""

    data: bytes
    line: int
    """Of the file, where the first begins; lines count from 1."""
    count: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that ends with a record: where its records end, and how many separators each has."""

    text: bytes
    ends: np.ndarray[Any, Any]
    separators: np.ndarray[Any, Any]

    def without(self, count: int) -> _Piece:
        """What follows the first so many records."""
        end = int(self.ends[count - 1])
        return _Piece(self.text[end:], self.ends[count:] - end, self.separators[count:])


class RecordReader:
    """A stream of delimited text: its header, then its records in batches. `InvalidInput` names the line of a fault."""

    def __init__(self, stream: IO[bytes], form: str, separator: str) -> None:
        self._form = form
        self._separator = separator
        self._line = 1
        self._pieces = self._read_pieces(stream)
        self.names = self._read_header()

    def batches(self, rows: int | None) -> Iterator[Records]:
        """Batches of so many records, the last one shorter; all in one when None. None at all if there are none."""
        parts: list[bytes] = []
        line, have = self._line, 0
        for text, ends, used in self._judged():
            start = 0
            while rows is not None and have + _last(used) >= rows:
                last = int(used.searchsorted(rows - have))
                end = int(ends[last])
                batch = Records(b"".join([*parts, text[start:end]]), line, rows)
                yield batch
                line += _lines(batch.data)
                start, parts, have = end, [], 0
                used, ends = used[last + 1 :] - used[last], ends[last + 1 :]
            parts.append(text[start:])
            have += _last(used)
        if have:
            yield Records(b"".join(parts), line, have)

    def line_of(self, records: Records, row: int) -> int:
        """The line of the file that a record begins at; looked up only for errors."""
        ends, _ = _scan(records.data, ord(self._separator))
        starts = [0, *ends.tolist()[:-1]]
        blank = self._blank(records.data, ends).tolist()
        start = [s for s, b in zip(starts, blank, strict=True) if not b][row]
        return records.line + _lines(records.data[:start])

    # -- the header

    def _read_header(self) -> list[str]:
        for piece in self._pieces:
            for number, end in enumerate(piece.ends.tolist()):
                record = piece.text[:end].lstrip(b"\r\n")
                if record:
                    self._line += _lines(piece.text[:end])
                    self._pieces = itertools.chain([piece.without(number + 1)], self._pieces)
                    return self._named(record)
            self._line += _lines(piece.text)
        raise InvalidInput(f"the {self._form} is empty: it has no header")

    def _named(self, record: bytes) -> list[str]:
        text = io.StringIO(record.decode(), newline="")
        [names] = csv.reader(text, delimiter=self._separator)
        if "" in names:
            raise InvalidInput(
                f"column {names.index('') + 1} of the {self._form} has no name",
                hint="pandas writes its index so; leave it out with index=False",
            )
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise InvalidInput(f"the {self._form} has columns of the same name: {listed(twice)}")
        return names

    # -- pieces

    def _read_pieces(self, stream: IO[bytes]) -> Iterator[_Piece]:
        line, offset, rest, first = 1, 0, b"", True
        while True:
            raw = stream.read(PIECE)
            text = rest + raw
            if first and raw and len(text) < len(_MARK):
                rest = text
                continue
            if first and raw:
                text, first = self._without_mark(text), False
                offset = len(rest + raw) - len(text)
            if not raw and text and not text.endswith(b"\n"):
                text += b"\n"
            ends, separators = _scan(text, ord(self._separator))
            cut = _last(ends)
            piece, rest = text[:cut], text[cut:]
            self._check_text(piece, line, offset)
            line, offset = line + _lines(piece), offset + cut
            if (rest and not raw) or len(rest) > MAX_RECORD:
                self._check_text(rest, line, offset)
                self._refuse(line, "a quoted field begins that does not end")
            if piece:
                yield _Piece(piece, ends, separators)
            if not raw:
                return

    def _without_mark(self, text: bytes) -> bytes:
        if text.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InvalidInput(
                f"the {self._form} is not UTF-8: it is UTF-16",
                hint="save it as UTF-8, for example: iconv -f utf-16 -t utf-8 OLD > NEW",
            )
        return text.removeprefix(_MARK)

    def _check_text(self, piece: bytes, line: int, offset: int) -> None:
        """UTF-8 without NUL, line ends that every reader takes for one, quotes where they belong."""
        if not piece.isascii():
            try:
                piece.decode()
            except UnicodeDecodeError as error:
                raise InvalidInput(
                    f"the {self._form} is not UTF-8: byte {offset + error.start} in line "
                    f"{_line_at(piece, error.start, line)} is 0x{piece[error.start]:02x}",
                    hint="save it as UTF-8, for example: iconv -f cp1252 -t utf-8 OLD > NEW",
                ) from None
        if b"\0" in piece:
            self._refuse(
                _line_at(piece, piece.index(b"\0"), line), "there is a NUL: this is no text"
            )
        for place, fault in _misplaced(piece, ord(self._separator)):
            self._refuse(_line_at(piece, place, line), fault)

    def _judged(self) -> Iterator[tuple[bytes, Any, Any]]:
        """Pieces with the ends of their records and a running count of those that are not blank."""
        import numpy as np

        line, width = self._line, len(self.names)
        for piece in self._pieces:
            text, ends = piece.text, piece.ends
            blank = self._blank(text, ends)
            wrong = np.flatnonzero((piece.separators != width - 1) & ~blank)
            if len(wrong):
                start = int(ends[wrong[0] - 1]) if wrong[0] else 0
                found = int(piece.separators[wrong[0]]) + 1
                self._refuse(
                    _line_at(text, start, line), f"{found} fields, and the header has {width}"
                )
            yield text, ends, np.cumsum(~blank)
            line += _lines(text)

    def _blank(self, text: bytes, ends: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        import numpy as np

        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
        if len(self.names) == 1:  # then a line of blanks is no record for pandas either
            spans = zip(starts.tolist(), ends.tolist(), strict=True)
            return np.array([not text[s:e].strip() for s, e in spans], dtype=bool)
        codes = np.frombuffer(text, np.uint8)
        size = ends - starts
        return (size == 1) | ((size == 2) & (codes[starts] == _RETURN))

    def _refuse(self, line: int, fault: str) -> NoReturn:
        raise InvalidInput(f"line {line} of the {self._form}: {fault}", line=line)


def _last(counts: np.ndarray[Any, Any]) -> int:
    return int(counts[-1]) if len(counts) else 0


def _lines(text: bytes) -> int:
    import numpy as np

    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _NEWLINE))


def _line_at(text: bytes, place: int, line: int) -> int:
    return line + _lines(text[:place])


def _scan(text: bytes, separator: int) -> tuple[Any, Any]:
    """Where each whole record ends, and how many separators it has; those inside quotes do not count."""
    import numpy as np

    codes = np.frombuffer(text, np.uint8)
    newline, field_end = codes == _NEWLINE, codes == separator
    if b'"' in text:
        # An odd number of quotes so far means inside; the count may wrap at 256 without harm.
        outside = (np.cumsum(codes == _QUOTE, dtype=np.uint8) & 1) == 0
        newline &= outside
        field_end &= outside
    ends = np.flatnonzero(newline) + 1
    before = np.searchsorted(np.flatnonzero(field_end), ends)
    return ends, np.diff(before, prepend=0)


def _misplaced(text: bytes, separator: int) -> Iterator[tuple[int, str]]:
    """The first quote inside an unquoted field or behind a quoted one, and the first lone carriage return."""
    import numpy as np

    if b'"' not in text and b"\r" not in text:
        return
    codes = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(codes == _QUOTE)
    opening, closing = quotes[0::2], quotes[1::2]
    edges = [separator, _NEWLINE, _QUOTE]
    before = codes[np.maximum(opening - 1, 0)]
    wrong = opening[(opening > 0) & ~np.isin(before, edges)]
    after = codes[np.minimum(closing + 1, len(codes) - 1)]
    wrong = np.concatenate([wrong, closing[~np.isin(after, [*edges, _RETURN])]])
    if len(wrong):
        yield int(wrong.min()), "a quote stands inside a field; quote the whole field and double it"
    if b"\r" in text:
        outside = (np.cumsum(codes == _QUOTE, dtype=np.uint8) & 1) == 0
        returns = np.flatnonzero((codes == _RETURN) & outside)
        lone = returns[codes[np.minimum(returns + 1, len(codes) - 1)] != _NEWLINE]
        if len(lone):
            yield int(lone[0]), "a carriage return that ends no line"
