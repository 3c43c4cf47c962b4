"""The table of states, written a second time: whoever changes it in the source changes it here too, knowingly.

Nothing here is taken from the code. `tests/docs` holds docs/protocol.md to it, `test_state_table` the session.
"""

LATE = "`unknown_error`, close 1011"
NO_AUTH = "ignore, SHOULD close 1008"
CHALLENGE, CONNECT = "`challenge` request", "`connect` request"
OUT = "the server puts the client out"

Cells = tuple[str, str, str, str]
TABLE: dict[str, tuple[str, str, Cells]] = {
    # What is received, when, and the cells of OPEN, CHALLENGED, CONNECTED and DISCONNECTED.
    "S1": (CHALLENGE, "the budget of challenges is spent", ("close 1008",) * 4),
    "S2": (CHALLENGE, "the challenge is none that may be signed", ("`invalid_challenge`",) * 4),
    "S3": (CHALLENGE, "it is signed", ("`success` → CHALLENGED", "`success`", "`success`", "`success`")),
    "S4": (CHALLENGE, "no answer in time", (LATE,) * 4),
    "S5": ("bad `challenge` request", "always", ("`invalid_message`",) * 4),
    "S6": (
        CONNECT,
        "the format of the user's key is not accepted",
        ("`invalid_challenge`", "`disallowed_user`", "`already_connected`", "`disallowed_user`"),
    ),
    "S7": (
        CONNECT,
        "the user's key is the server's",
        ("`invalid_challenge`", "`disallowed_user`", "`already_connected`", "`disallowed_user`"),
    ),
    "S8": (
        CONNECT,
        "the proof is no strict base64",
        ("`invalid_challenge`", "`invalid_challenge`", "`already_connected`", "`invalid_challenge`"),
    ),
    "S9": (
        CONNECT,
        "the proof does not verify",
        ("`invalid_challenge`", "`invalid_challenge`", "`already_connected`", "`invalid_challenge`"),
    ),
    "S10": (
        CONNECT,
        "the access rules refuse the program",
        ("`invalid_challenge`", "`disallowed_client`", "`already_connected`", "`disallowed_client`"),
    ),
    "S11": (
        CONNECT,
        "the access rules refuse the user",
        ("`invalid_challenge`", "`disallowed_user`", "`already_connected`", "`disallowed_user`"),
    ),
    "S12": (
        CONNECT,
        "only members may join, and the user is none",
        ("`invalid_challenge`", "`unrecognised_user`", "`already_connected`", "`unrecognised_user`"),
    ),
    "S13": (
        CONNECT,
        "a join token is needed, and there is none",
        ("`invalid_challenge`", "`join_token_required`", "`already_connected`", "`join_token_required`"),
    ),
    "S14": (
        CONNECT,
        "the join token is not good",
        ("`invalid_challenge`", "`invalid_join_token`", "`already_connected`", "`invalid_join_token`"),
    ),
    "S15": (
        CONNECT,
        "the user has as many connections as they may",
        ("`invalid_challenge`", "`already_connected`", "`already_connected`", "`already_connected`"),
    ),
    "S16": (
        CONNECT,
        "the access rules cannot be asked",
        ("`invalid_challenge`", "`unknown_error`", "`already_connected`", "`unknown_error`"),
    ),
    "S17": (
        CONNECT,
        "the user is admitted",
        ("`invalid_challenge`", "`success` → CONNECTED", "`already_connected`", "`success` → CONNECTED"),
    ),
    "S18": (CONNECT, "no answer in time", ("`invalid_challenge`", LATE, "`already_connected`", LATE)),
    "S19": ("bad `connect` request", "always", ("`invalid_message`",) * 4),
    "S20": (
        "`disconnect` request",
        "always",
        (NO_AUTH, NO_AUTH, "`success` → DISCONNECTED", "`not_connected`"),
    ),
    "S21": ("bad `disconnect` request", "always", (NO_AUTH, NO_AUTH, "`invalid_message`", "`invalid_message`")),
    "S22": ("another request", "always", (NO_AUTH, NO_AUTH, "`invalid_message`", NO_AUTH)),
    "S23": ("another bad request", "always", (NO_AUTH, NO_AUTH, "`invalid_message`", NO_AUTH)),
    "S24": ("a `message`", "always", (NO_AUTH, NO_AUTH, "ignore", NO_AUTH)),
    "S25": ("a `reply`", "always", (NO_AUTH, NO_AUTH, "ignore", NO_AUTH)),
    "S26": ("anything else that is no valid envelope", "always", ("close 1007",) * 4),
    "S27": ("text where binary is due, or the reverse", "always", ("close 1003",) * 4),
    "S28": ("a message over the size limit", "always", ("close 1009",) * 4),
    "S29": ("a message past a budget", "always", ("close 1008",) * 4),
    "S30": ("the deadline to authenticate passes", "always", ("close 1008", "close 1008", "ignore", "close 1008")),
    "S31": (OUT, "banned", ("close 4001",) * 4),
    "S32": (OUT, "kicked", ("close 4002",) * 4),
    "S33": (OUT, "replaced by a newer connection", ("close 4003",) * 4),
    "S34": (OUT, "no room", ("close 1013",) * 4),
    "S35": ("the server goes away", "always", ("close 1001",) * 4),
    "S36": ("the client closes, or is gone", "always", ("→ CLOSED",) * 4),
}
