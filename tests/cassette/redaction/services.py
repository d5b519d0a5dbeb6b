"""What services of many kinds sign links with, call secrets, and make tokens of: planted like all else."""

from __future__ import annotations

LINKS = {
    "tos": "https://b.tos-cn-beijing.volces.com/o?X-Tos-Date=20300105T080000Z&X-Tos-Expires=9&X-Tos-Signature={0}",
    "tos credential": "https://b.tos-cn-beijing.volces.com/o?X-Tos-Credential={0}%2F20300105&X-Tos-Expires=9",
    "oss": "https://b.oss-cn-hangzhou.aliyuncs.com/o?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature={0}",
    "obs": "https://b.obs.cn-north-4.myhuaweicloud.com/o?X-Obs-Expires=9&X-Obs-Signature={0}",
    "cos": "https://b.cos.ap-beijing.myqcloud.com/o?q-sign-algorithm=sha1&q-signature={0}",
    "cos key": "https://b.cos.ap-beijing.myqcloud.com/o?q-ak={0}&q-sign-algorithm=sha1",
    "oauth": "https://x.example/o?oauth_signature_method=HMAC-SHA1&oauth_signature={0}",
    "discord": "https://cdn.discordapp.com/attachments/1/2/a.png?ex=65a1&is=6590&hm={0}&",
    "akamai": "https://x.akamaized.net/o?hdnea=st=1795440807~exp=1795444407~acl=/*~hmac={0}",
    "akamai alone": "https://x.akamaized.net/o?exp=1795444407&hmac={0}",
    "a sign": "https://cdn.example/o?t=65a1&sign={0}",
    "a hook": "https://me.example/hook?auth={0}",
    "a session": "https://me.example/o?jsessionid={0}&page=2",
    "a sid": "https://me.example/o?sid={0}",
}

NAMES = (
    *("auth", "pass", "pw", "pwd", "passcode", "jwt", "bearer", "session_id", "jsessionid", "code_verifier", "otp"),
    *("master_key", "sharedKey", "encryption_key", "ssh_key", "private_key_pem", "PIN", "db_pass", "oauth_signature"),
    *("X-Tos-Signature", "x-oss-signature"),
)

SHAPED = (
    "gsk_a1B2c3D4e5F6g7H8i9J0WGdyb3FYk1L2m3N4o5P6q7R8",
    "xai-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "pplx-a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
    "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",
    "dop_v1_a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
    "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",
    "hvs.CAESIJa1B2c3D4e5F6g7H8i9J0k1L2m3N4",
    "xapp-1-A0123456789-1234567890123-a1b2c3d4e5f6a7b8c9d0",
)

BOT = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
