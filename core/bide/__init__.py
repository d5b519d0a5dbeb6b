"""Wait for long-running HTTP jobs: the pure core. It decides what to send, when, and how it ended."""

from bide.dialects import Dialect
from bide.dialects.modelroute import ModelRoute
from bide.finished import Abandoned, Cancelled, Completed, Expired, Failed, Finished, Lost, Reason, unwrap
from bide.job import (
    Cancelling,
    Fetching,
    Job,
    Polling,
    Submitting,
    Waiting,
    cancel,
    notice,
    resume,
    submit,
    watch,
)
from bide.messages import Cause, Headers, NoResponse, Notice, Order, Reply, Request, Response
from bide.pace import Every, Growing, Pace, Why
from bide.patience import Patience
from bide.quota import Quota
from bide.result import Problem, Receipt, Result
from bide.token import dump, load

__all__ = [
    "Abandoned",
    "Cancelled",
    "Cancelling",
    "Cause",
    "Completed",
    "Dialect",
    "Every",
    "Expired",
    "Failed",
    "Fetching",
    "Finished",
    "Growing",
    "Headers",
    "Job",
    "Lost",
    "ModelRoute",
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
    "Reply",
    "Request",
    "Response",
    "Result",
    "Submitting",
    "Waiting",
    "Why",
    "cancel",
    "dump",
    "load",
    "notice",
    "resume",
    "submit",
    "unwrap",
    "watch",
]
