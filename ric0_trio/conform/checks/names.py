"""User names: which are well-formed."""

from ric0_trio.conform.checks.attempts import refuse_values, take_values
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_NAME = "user.name"


@check("N1")
async def bounds_names(site: Site) -> None:
    await take_values(site, _NAME, "a", "a" * 64)
    await refuse_values(site, _NAME, "", "a" * 65, "a" * 2000)


@check("N2")
async def needs_composed_names(site: Site) -> None:
    await take_values(site, _NAME, "Zo\u00eb")
    await refuse_values(site, _NAME, "Zoe\u0308", "\u212bngstr\u00f6m", "\u1112\u1161\u11ab")


@check("N3")
async def refuses_invisible_characters(site: Site) -> None:
    control = ("a\0b", "a\nb", "a\x1b[2Jb", "a\x7fb", "a\x85b")
    others = ("a\u200db", "a\u202eb", "a\u00adb", "a\ufeffb", "a\U000e0041b", "a\ue000b", "a\ufdd0b", "a\u0378b")
    await refuse_values(site, _NAME, *control, *others, "a\u2028b", "a\u2029b")


@check("N4")
async def refuses_blank_fillers(site: Site) -> None:
    await refuse_values(site, _NAME, *(f"a{filler}b" for filler in "\u115f\u1160\u2800\u3164\uffa0"), "\u3164")


@check("N5")
async def refuses_outer_spaces(site: Site) -> None:
    await take_values(site, _NAME, "Ann Lee", "Ann\u00a0Lee")
    await refuse_values(site, _NAME, " Ann", "Ann ", "\u00a0Ann", "Ann\u3000", "\u2003Ann", " ")


@check("N6")
async def needs_a_letter_or_number(site: Site) -> None:
    await take_values(site, _NAME, "7", "-a-", "\u2163")
    await refuse_values(site, _NAME, "---", "\U0001f600", ". .", "\u0301")


@check("N7")
async def bounds_combining_marks(site: Site) -> None:
    await take_values(site, _NAME, "a\u0316\u0317")
    await refuse_values(site, _NAME, "a\u0316\u0317\u0318", "a" + "\u0316" * 20)


@check("N8")
async def takes_every_script(site: Site) -> None:
    names = ("Zo\u00eb", "\u0414\u043c\u0438\u0442\u0440\u0438\u0439", "\u0645\u062d\u0645\u062f", "\u674e\u5c0f\u9f99")
    more = (
        "\u0928\u092e\u0938\u094d\u0924\u0947",
        "\u0e44\u0e17\u0e22",
        "O'Neil 3rd!",
        "<b>&\"'",
        "x \U0001f600",
        _DESERET,
    )
    await take_values(site, _NAME, *names, *more)


_DESERET = "\U00010414\U0001042f"
