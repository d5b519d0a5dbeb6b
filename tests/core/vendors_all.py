"""All vendors that come with bide, to be tested alike."""

from __future__ import annotations

from tests.core.vendors_aws import STEP_FUNCTIONS, TRANSCRIBE
from tests.core.vendors_azure_action import ARM_ACTION
from tests.core.vendors_azure_arm import ARM, ARM_PATCH
from tests.core.vendors_azure_core import CORE, CORE_DELETE, CORE_PATCH, CORE_PUT
from tests.core.vendors_azure_delete import ARM_DELETE
from tests.core.vendors_fal import FAL
from tests.core.vendors_google import GOOGLE
from tests.core.vendors_ogc import OGC
from tests.core.vendors_openai import OPENAI_BATCHES, OPENAI_VIDEOS
from tests.core.vendors_replicate import REPLICATE
from tests.core.vendors_runway import RUNWAY

VENDORS = (
    ARM,
    ARM_ACTION,
    ARM_DELETE,
    ARM_PATCH,
    CORE,
    CORE_DELETE,
    CORE_PATCH,
    CORE_PUT,
    FAL,
    GOOGLE,
    OGC,
    OPENAI_BATCHES,
    OPENAI_VIDEOS,
    REPLICATE,
    RUNWAY,
    STEP_FUNCTIONS,
    TRANSCRIBE,
)
