"""Signs as AWS's own library for Python does: takes cases on stdin, and prints their tokens, both as a list in JSON."""

import datetime
import json
import sys
import urllib.parse

from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner


class Clock(datetime.datetime):
    """Stands still. Which of these is asked depends on the version of botocore."""

    @classmethod
    def utcnow(cls):
        return cls.at

    @classmethod
    def now(cls, tz=None):
        return cls.at


datetime.datetime = Clock
events = Session().get_component("event_emitter")


def token(case):
    Clock.at = Clock.fromtimestamp(case["at"], datetime.timezone.utc)
    query = {"Action": "connect", "User": case["user"]}
    if case["serverless"]:
        query["ResourceType"] = "ServerlessCache"
    url = f"http://{case['cache'].lower()}/?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
    request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
    keys = Credentials(case["id"], case["secret"], case["session"])
    signer = RequestSigner(ServiceId("any"), case["region"], case["service"], "v4", keys, events)
    return signer.generate_presigned_url(request, "connect", expires_in=900).removeprefix("http://")


print(json.dumps([token(case) for case in json.load(sys.stdin)]))
