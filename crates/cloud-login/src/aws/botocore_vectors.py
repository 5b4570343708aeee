#!/usr/bin/env python3
"""Makes botocore_vectors.json: what botocore (1.44.8 of PyPI) signs for what AWS's logins differ in.

    python3 -m venv VENV && VENV/bin/pip install botocore && VENV/bin/python botocore_vectors.py >botocore_vectors.json
"""

import datetime
import itertools
import json
import urllib.parse
from unittest import mock

from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

TIMES = ["2024-08-02T12:11:50Z", "2026-11-30T00:00:00Z", "2000-02-29T23:59:59Z"]
SERVICES = [("elasticache", False), ("elasticache", True), ("memorydb", False)]
CACHES = [("my-cache", "eu-west-1", "user123"), ("Shop-Sessions", "ap-northeast-2", "iam-user-01")]
KEYS = [
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==+/="),
    ("accessKey", "secretKey", None),
]


def vector(at, service, serverless, cache, region, user, key_id, secret_key, session):
    query = {"Action": "connect", "User": user}
    if serverless:
        query["ResourceType"] = "ServerlessCache"
    url = f"http://{cache.lower()}/?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
    request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
    keys, events = Credentials(key_id, secret_key, session), Session().get_component("event_emitter")
    signer = RequestSigner(ServiceId("any"), region, service, "v4", keys, events)
    now = datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ")
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        signed = signer.generate_presigned_url(request, "connect", expires_in=900, region_name=region)
    return {
        "at": at, "service": service, "serverless": serverless, "cache": cache, "region": region, "user": user,
        "key_id": key_id, "secret_key": secret_key, "session": session, "token": signed.removeprefix("http://"),
    }


cases = itertools.product(TIMES, SERVICES, CACHES, KEYS)
vectors = [vector(at, *service, *cache, *keys) for at, service, cache, keys in cases]
print("[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]")
