"""A page a patient, as PDF (``--pdf``): embryos in order, pictures, curves, what to look at.

The bytes depend on the tables, the pictures and the run's manifest alone: no time of writing, no name of a
machine or person stands in them.
"""

import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.errors import counted
from blastoseg.report.curve_drawing import draw_curve
from blastoseg.report.curves import CurveMaker
from blastoseg.report.embryo_pictures import EmbryoPictures, encoded
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.headline import HOURS, SUMMARY, hours_in_words
from blastoseg.report.manifest import RunManifest
from blastoseg.report.overlay import RGB
from blastoseg.report.ranking import NOT_A_CHOICE, Group, order_in_words, ranked, rows_of
from blastoseg.report.row_words import doubtful_in, look_at_in_words, stage_in_words, timings_in_words
from blastoseg.report.tables import plain_text
from blastoseg.report.timeline_sheet import shortened
from blastoseg.report.wording import symbols_of

MARGIN = 14 * mm
WIDTH = A4[0] - 2 * MARGIN
LARGEST_PICTURE, SMALLEST_PICTURE = 33 * mm, 22 * mm
HEAD, ROW, AROUND_A_BLOCK = 42 * mm, 11 * mm, 8 * mm
"""About what stands above the embryos, what each adds to the table, and what lies around its picture."""
PIXELS_PER_MM = 6
MOST_EPISODES = 3
"""What is said of an embryo; the sheet Quality has all."""
FONT, BOLD, SLANTED = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"
BAND, INK, GRAY, NOTICE = (colors.HexColor(f"#{value}") for value in ("1F4E5F", "222222", "707070", "B45309"))


class PatientPages:
    """Writes the page of any patient of a report. ``order`` is that of ``ranking.ranked``."""

    def __init__(
        self,
        tables: GatheredTables,
        manifest: RunManifest,
        pictures: Mapping[str, EmbryoPictures],
        order: Sequence[str],
    ) -> None:
        self._groups = {group.patient: group for group in ranked(tables.embryos, order)}
        self._unit = tables.unit
        self._curves = CurveMaker(tables)
        self._episodes = _by_embryo(tables.episodes)
        self._manifest, self._pictures, self._order = manifest, pictures, order
        self._style = _Styles()

    @property
    def patients(self) -> list[str]:
        """The patients in order, "" for the embryos without one."""
        return list(self._groups)

    def write(self, patient: str, path: Path) -> None:
        """Write one patient's page, or pages where the embryos do not fit one."""
        group = self._groups[patient]
        document = BaseDocTemplate(
            str(path),
            pagesize=A4,
            title=f"blastoseg: {_shown(group.name)}",
            author="blastoseg",
            subject=RESEARCH_USE_ONLY,
            invariant=1,
        )
        frame = Frame(MARGIN, MARGIN, WIDTH, A4[1] - 2 * MARGIN, 0, 0, 0, 0)
        document.addPageTemplates(PageTemplate(frames=[frame], onPage=self._footer(group)))
        rows = list(rows_of(group))
        room = (A4[1] - 2 * MARGIN - HEAD) / len(rows) - ROW - AROUND_A_BLOCK
        side = min(LARGEST_PICTURE, max(SMALLEST_PICTURE, room))
        blocks = [self._block(row, side) for row in rows]
        document.build([*self._head(group), self._table(rows), Spacer(0, 3 * mm), *blocks])

    def _footer(self, group: Group) -> Any:
        def draw(canvas: Any, document: Any) -> None:
            canvas.setFont(FONT, 7)
            canvas.setFillColor(NOTICE)
            canvas.drawString(MARGIN, 8 * mm, RESEARCH_USE_ONLY)
            canvas.setFillColor(INK)
            canvas.drawRightString(
                A4[0] - MARGIN, 8 * mm, f"{shortened(_shown(group.name))}, page {document.page}"
            )

        return draw

    def _head(self, group: Group) -> list[Flowable]:
        told = self._manifest.as_dict()
        run = f"run of {told['started_utc'][:16].replace('T', ' ')} UTC, weights {told['weights']}"
        about = (
            f"{group.content}; {hours_in_words(group.embryos)}, lengths in {symbols_of(self._unit)}; {run}. "
            f"In order of {order_in_words(self._order)} (suggested): {NOT_A_CHOICE}."
        )
        style = self._style
        return [
            style.text(group.name, style.title),
            style.text(RESEARCH_USE_ONLY, style.notice),
            style.text(about, style.plain),
            Spacer(0, 2 * mm),
        ]

    def _table(self, rows: Sequence[dict[Any, Any]]) -> Table:
        style = self._style
        headings = ["Embryo", "Grade, suggested", *(one.heading(self._unit) for one in SUMMARY), "Timings, h"]
        cells: list[list[Any]] = [[style.text(heading, style.heading) for heading in headings]]
        for row in rows:
            name = str(row["embryo_id"]) + (
                f" ({row['dish']})" if isinstance(row["dish"], str) and row["dish"] else ""
            )
            doubtful = doubtful_in(row)
            values = [
                style.text(
                    one.text(row[one.column(self._unit).name]),
                    style.doubtful if one.is_doubtful(doubtful) else style.cell,
                )
                for one in SUMMARY
            ]
            stage, timings = "; ".join(stage_in_words(row)), ", ".join(timings_in_words(row))
            cells.append([style.text(name, style.cell), style.text(stage, style.cell), *values])
            cells[-1].append(style.text(timings, style.cell))
        widths = [23, 25, *[13.2] * len(SUMMARY), 0]
        widths[-1] = WIDTH / mm - sum(widths)
        table = Table(cells, [width * mm for width in widths], repeatRows=1)
        table.setStyle(
            TableStyle(
                [
                    ("BACKGROUND", (0, 0), (-1, 0), BAND),
                    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                    ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.lightgrey),
                    ("LEFTPADDING", (0, 0), (-1, -1), 2),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 2),
                    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
                ]
            )
        )
        return table

    def _block(self, row: dict[Any, Any], side: float) -> KeepTogether:
        """One embryo: its picture, its course in pictures and words, its curve."""
        style, embryo = self._style, str(row["embryo_id"])
        pictures = self._pictures.get(embryo, EmbryoPictures())
        standing = (
            pictures.standing.thumbnail(round(side / mm * PIXELS_PER_MM)) if pictures.standing else None
        )
        small = (WIDTH - LARGEST_PICTURE - 62 * mm) / 4 - 1 * mm
        strip = pictures.drawn_strip(round(small / mm * PIXELS_PER_MM))
        hours = HOURS.text(row["time_h"])
        title = f"{embryo}: {row['status']}" + (f", {hours} h" if hours != "-" else "")
        middle = [style.text(title, style.name)]
        if strip is not None:
            scale = small / (round(small / mm * PIXELS_PER_MM))
            middle.append(_image(strip, strip.shape[1] * scale))
        middle += [style.text(words, style.plain) for words in self._look_at(row)]
        curve: Any = ""
        if self._curves.has(embryo):
            curve = draw_curve(self._curves.of(embryo), (60 * mm, side), FONT)
        cells = [[_image(standing, side) if standing is not None else "", middle, curve]]
        widths = [LARGEST_PICTURE + 1 * mm, WIDTH - LARGEST_PICTURE - 62 * mm, 61 * mm]
        table = Table(cells, widths, hAlign="LEFT")
        table.setStyle(
            TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
        )
        return KeepTogether([table])

    def _look_at(self, row: dict[Any, Any]) -> list[str]:
        said = look_at_in_words(row)
        lines = [f"Look at: {said}"] if said else ["Nothing to look at in this frame."]
        episodes = self._episodes.get(str(row["embryo_id"]), [])
        for episode in episodes[:MOST_EPISODES]:
            frames = counted(int(episode["episode_frames"]), "frame")
            ends = [HOURS.text(episode[name]) for name in ("episode_from_h", "episode_to_h")]
            when = f"{ends[0]} to {ends[1]} h, " if "-" not in ends else ""
            lines.append(f"{when}{frames} ({episode['episode_kind']}): {episode['doubt']}")
        if len(episodes) > MOST_EPISODES:
            lines.append(f"and {counted(len(episodes) - MOST_EPISODES, 'episode')} more on the sheet Quality")
        return lines


def _by_embryo(episodes: pd.DataFrame) -> dict[str, list[dict[Any, Any]]]:
    found: dict[str, list[dict[Any, Any]]] = {}
    for episode in episodes.to_dict("records"):
        found.setdefault(str(episode["embryo_id"]), []).append(episode)
    return found


class _Styles:
    """Fonts that know more than Latin letters, and the styles made of them."""

    def __init__(self) -> None:
        folder = Path(mpl.get_data_path(), "fonts", "ttf")
        for font in (FONT, BOLD, SLANTED):
            pdfmetrics.registerFont(TTFont(font, folder / f"{font}.ttf"))
        self.plain = ParagraphStyle("plain", fontName=FONT, fontSize=7, leading=8.6, textColor=INK)
        self.title = ParagraphStyle("title", self.plain, fontName=BOLD, fontSize=14, leading=18)
        self.name = ParagraphStyle("name", self.plain, fontName=BOLD, fontSize=8, leading=10)
        self.notice = ParagraphStyle("notice", self.plain, textColor=NOTICE, fontSize=8, leading=11)
        self.cell = ParagraphStyle("cell", self.plain, splitLongWords=1)
        self.doubtful = ParagraphStyle("doubtful", self.plain, fontName=SLANTED, textColor=GRAY)
        self.heading = ParagraphStyle(
            "heading",
            self.plain,
            fontName=BOLD,
            fontSize=5.2,
            leading=6.4,
            splitLongWords=0,
            textColor=colors.white,
            alignment=TA_CENTER,
        )

    @staticmethod
    def text(text: str, style: ParagraphStyle) -> Paragraph:
        """A paragraph; whatever the text holds is text and no markup."""
        return Paragraph(html.escape(_shown(text)), style)


def _shown(text: str) -> str:
    """The text with control characters visible, and those spelled out that the font does not know."""
    known = pdfmetrics.getFont(FONT).face.charToGlyph
    plain = plain_text(text).removeprefix("'") if not text.startswith("'") else plain_text(text)
    return "".join(one if ord(one) in known else one.encode("unicode_escape").decode() for one in plain)


def _image(picture: RGB, width: float) -> Image:
    return Image(
        io.BytesIO(encoded(picture)), width, width * picture.shape[0] / picture.shape[1], hAlign="LEFT"
    )
