"""Wait for long-running HTTP jobs: the pure core. It decides what to send, when, and how it ended."""

from bide.dialect import Dialect
from bide.dialects.modelroute import ModelRoute
from bide.history import Event, History
from bide.job import (
    Abandoned,
    Cancelled,
    Cancelling,
    Completed,
    Expired,
    Failed,
    Fetching,
    Finished,
    Job,
    Lost,
    Polling,
    Submitting,
    Waiting,
)
from bide.messages import Cause, Headers, NoResponse, Notice, Order, Reply, Request, Response
from bide.outcome import unwrap
from bide.pace import Every, Growing, Pace, Sparse, Why
from bide.patience import Patience, Reason
from bide.quota import Quota
from bide.result import Acknowledgement, Problem, Receipt, Refused, Result
from bide.secret import NoKey, Secret, credential_for
from bide.steering import before_sending, cancel, cut_short, notice, resume, submit, watch, within
from bide.token import dump, load

__all__ = [
    "Abandoned",
    "Acknowledgement",
    "Cancelled",
    "Cancelling",
    "Cause",
    "Completed",
    "Dialect",
    "Event",
    "Every",
    "Expired",
    "Failed",
    "Fetching",
    "Finished",
    "Growing",
    "Headers",
    "History",
    "Job",
    "Lost",
    "ModelRoute",
    "NoKey",
    "NoResponse",
    "Notice",
    "Order",
    "Pace",
    "Patience",
    "Polling",
    "Problem",
    "Quota",
    "Reason",
    "Receipt",
    "Refused",
    "Reply",
    "Request",
    "Response",
    "Result",
    "Secret",
    "Sparse",
    "Submitting",
    "Waiting",
    "Why",
    "before_sending",
    "cancel",
    "credential_for",
    "cut_short",
    "dump",
    "load",
    "notice",
    "resume",
    "submit",
    "unwrap",
    "watch",
    "within",
]
