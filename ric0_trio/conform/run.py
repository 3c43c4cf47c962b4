"""A run of the kit: look at the server first, then carry out the checks, several at once, each under a deadline."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import trio

from ric0_trio.client.address import Address
from ric0_trio.conform.encodings import AVAILABLE
from ric0_trio.conform.http import SWITCHING_PROTOCOLS
from ric0_trio.conform.outcomes import EndedError, FailedError, NotRunError, Result, SkippedError, Status
from ric0_trio.conform.people import FORMATS
from ric0_trio.conform.registry import Body, Check, Variants, all_checks
from ric0_trio.conform.site import Site
from ric0_trio.conform.target import ACCESS_STATUSES, Target, Variant
from ric0_trio.protocol import PrivateKey

JOBS: Final = 8
_CHECK_S: Final = 60.0
"""For one run of a check, beside what it waits for by design."""


@dataclass(frozen=True)
class Plan:
    """What is to be checked, and how."""

    address: Address
    ssl_context: ssl.SSLContext | None = None
    """What is trusted; None: the system's authorities."""
    encodings: Sequence[str] = tuple(AVAILABLE)
    checks: Sequence[str] | None = None
    """The ids of the rules; None: all of them."""
    user_key: PrivateKey | None = None
    join_token: str | None = None
    jobs: int = JOBS


Listener = Callable[[Result, int, int], None]
"""Is told of each result, how many there are by now, and how many there will be."""


@dataclass(frozen=True)
class Findings:
    """What came of a run."""

    encodings: dict[str, str | None]
    """Each that was tried: None when the server has it, else what it answered."""
    admissions: dict[str, str | None]
    """Each format of users' keys: None when such a user was let in, else why not."""
    results: Sequence[Result]
    """Of each run of each check, in the order of the page."""
    seconds: float


async def run_checks(plan: Plan, listener: Listener = lambda *_: None) -> Findings:
    """Carry out the checks of `plan`. Raises `NotRunError` when there is no server to check."""
    begun = trio.current_time()
    target = Target(plan.address, plan.ssl_context, plan.join_token, plan.user_key)
    await _look_at(target, plan.encodings)
    checks = all_checks()
    chosen = [check for name, check in checks.items() if plan.checks is None or name in plan.checks]
    runs = [(check, variant) for check in chosen for variant in _variants_of(check, target)]
    run = _Run(target, len(runs), listener)
    run.results += [_pass_over(check) for check in chosen if check.encoding not in (None, *target.spoken)]
    waiting = iter(sorted(runs, key=lambda each: -each[0].waits_s))  # the longest first, or all would wait for them
    async with trio.open_nursery() as nursery:
        for _ in range(plan.jobs):
            nursery.start_soon(run.work, waiting)
    order = {name: number for number, name in enumerate(checks)}
    results = sorted(run.results, key=lambda result: (order[result.rule], result.variant))
    return Findings(target.encodings, target.admissions, results, trio.current_time() - begun)


def _variants_of(check: Check, target: Target) -> Iterator[Variant]:
    encodings = [name for name in target.spoken if check.encoding in (None, name)]
    formats = FORMATS if check.variants is Variants.KEYS else (target.usual_format,)
    if check.variants is Variants.ONCE:
        encodings = encodings[:1]
    return (Variant(encoding, key_format) for encoding in encodings for key_format in formats)


def _pass_over(check: Check) -> Result:
    reason = f"the rule is about {check.encoding}, which the server does not have, or was not asked for"
    return Result(check.rule.id, "", Status.SKIPPED, reason, [], 0.0)


async def _look_at(target: Target, encodings: Sequence[str]) -> None:
    """Find out what the server speaks, and whom it lets in. Raises `NotRunError` when nothing speaks HTTP there."""
    for name in encodings:
        error = await _find_out(target, Variant(name, FORMATS[0]), _try_to_open)
        if isinstance(error, NotRunError):
            raise error
        target.encodings[name] = None if error is None else str(error)
    for key_format in FORMATS:
        error = await _find_out(target, Variant(target.spoken[0], key_format), _try_to_join)
        target.admissions[key_format] = None if error is None else str(error)


async def _find_out(target: Target, variant: Variant, attempt: Body) -> EndedError | None:
    async with AsyncExitStack() as stack:
        site = Site(target, variant, stack)
        try:
            await attempt(site)
        except EndedError as error:
            return error
        except Exception as error:  # the same boundary as that of a check
            return _make_no_sense(site, error)
    return None


def _make_no_sense(site: Site, error: Exception) -> NotRunError:
    return NotRunError(f"the kit cannot make sense of the server: {site.evidence.show(repr(error))}")


async def _try_to_open(site: Site) -> None:
    try:
        answer = await site.ask_http(site.head())
    except FailedError as error:
        raise NotRunError(str(error)) from None
    site.expect_subprotocol(site.expect_status(answer, SWITCHING_PROTOCOLS))


async def _try_to_join(site: Site) -> None:
    peer = await site.challenged()
    await peer.ask("connect", peer.connect_data(site.make_user()))
    reply = await peer.expect_reply("success", *ACCESS_STATUSES)
    if reply["status"] != "success":
        site.target.refused.add(site.variant.user_format)
        raise SkippedError(f"the server does not let the kit's user in: {reply['status']}")


class _Run:
    """The results so far."""

    def __init__(self, target: Target, total: int, listener: Listener) -> None:
        self._target = target
        self._total = total
        self._listener = listener
        self.results: list[Result] = []

    async def work(self, waiting: Iterator[tuple[Check, Variant]]) -> None:
        """Carry out one after the other, as long as there are any."""
        for check, variant in waiting:
            result = await self._carry_out(check, variant)
            self.results.append(result)
            self._listener(result, len(self.results), self._total)

    async def _carry_out(self, check: Check, variant: Variant) -> Result:
        ended: EndedError | None = None
        async with AsyncExitStack() as stack:
            site = Site(self._target, variant, stack)
            try:
                with trio.fail_after(check.waits_s + _CHECK_S):
                    await check.body(site)
            except EndedError as error:
                ended = error
            except trio.TooSlowError:
                ended = NotRunError(f"the check took longer than {check.waits_s + _CHECK_S:g} s")
            except Exception as error:  # the boundary of a check: whatever a server answers must not end the kit
                ended = _make_no_sense(site, error)
        is_told = isinstance(ended, FailedError | NotRunError)
        return Result(
            rule=check.rule.id,
            variant="" if check.variants is Variants.ONCE else str(variant),
            status=Status.PASSED if ended is None else ended.status,
            reason="" if ended is None else str(ended),
            evidence=site.evidence.lines if is_told else [],
            seconds=site.evidence.seconds,
        )
