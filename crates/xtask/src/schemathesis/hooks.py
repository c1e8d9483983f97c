"""What Schemathesis has to know of arise: who is calling, how scanners sign, and which ids there are.

ARISE_ABOUT is what the demo wrote when it was ready, with the address of the server that is tested as "base".
ARISE_ROLE is who is calling: nobody, admin, teacher, student, scanner or server.
"""

import hashlib
import hmac
import json
import os
import time

import requests
import schemathesis

ABOUT = json.loads(os.environ["ARISE_ABOUT"])
BASE = ABOUT["base"]
ROLE = os.environ["ARISE_ROLE"]


def call(method, path, token=None, body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.request(method, BASE + path, headers=headers, json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def log_in(role):
    return call("POST", f"/api/{role}/login", body=ABOUT[role])["token"]


class Bearer(requests.auth.AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Signed(requests.auth.AuthBase):
    """A paired scanner."""

    def __init__(self, device, key):
        self.device, self.key = device, bytes.fromhex(key)

    def __call__(self, request):
        body = request.body or b""
        digest = hashlib.sha256(body.encode() if isinstance(body, str) else body).hexdigest()
        # Only rises, as it must.
        counter = time.time_ns() // 1_000
        text = f"{request.method}\n{request.path_url}\n{counter}\n{digest}"
        request.headers["X-Arise-Device"] = self.device
        request.headers["X-Arise-Counter"] = str(counter)
        request.headers["X-Arise-Signature"] = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        return request


class OlderNode(requests.auth.AuthBase):
    """A server of the older system."""

    def __call__(self, request):
        request.headers["X-Sync-API-Key"] = os.environ["ARISE_OLDER_KEY"]
        return request


ADMIN = log_in("admin")
TEACHER = log_in("teacher")
# In the order in which they were made: the list of them begins with the likeliest.
COURSES = sorted(row["id"] for row in call("GET", "/api/teacher/courses", TEACHER))
SESSIONS = call("GET", f"/api/teacher/history/{COURSES[0]}", TEACHER)["sessions"]


def opened(kind, course):
    """The open session of a course: what is open already is named by the refusal."""
    answer = requests.post(
        f"{BASE}/api/teacher/{kind}",
        headers={"Authorization": f"Bearer {TEACHER}"},
        json={"course_id": course, "duration_minutes": 240},
        timeout=60,
    )
    return answer.json()["session_id"]


def online():
    """An online class of the first course that has no other session open, and what is in its link."""
    for course in COURSES:
        session = opened("start-online-session", course)
        path = f"/api/teacher/session/{session}/online-status"
        status = requests.get(BASE + path, headers={"Authorization": f"Bearer {TEACHER}"}, timeout=60)
        if status.ok:
            return session, status.json()["session_token"]
    raise RuntimeError("every course has another session open")


ONLINE, LINK = online()
OPEN = [ONLINE] + [opened("start-session", course) for course in COURSES]


def ids(path):
    return [row["id"] for row in call("GET", path, ADMIN)]


KNOWN = {
    "course": COURSES,
    "session": OPEN + [row["id"] for row in SESSIONS[:3]],
    "semester": ids("/api/admin/semesters"),
    "teacher": ids("/api/admin/teachers"),
    "student": ids("/api/admin/students?limit=5"),
    "device": ids("/api/admin/devices"),
}

FOLDERS = [
    ("/api/teacher/session/", "session"),
    ("/api/teacher/session-detail/", "session"),
    ("/api/teacher/report/session/", "session"),
    ("/api/teacher/", "course"),
    ("/api/student/course/", "course"),
    ("/api/admin/semesters/", "semester"),
    ("/api/admin/teachers/", "teacher"),
    ("/api/admin/students/", "student"),
    ("/api/admin/courses/", "course"),
    ("/api/admin/enrollments/", "course"),
    ("/api/admin/enrollment-roster/", "semester"),
    ("/api/admin/analytics/course/", "course"),
    ("/api/admin/analytics/student/", "student"),
    ("/api/admin/report/register/", "course"),
    ("/api/admin/report/session/", "session"),
    ("/api/admin/report/shortage/", "semester"),
    ("/api/admin/devices/", "device"),
]


def one_of(known, drawn):
    """One of them, always the same for what was drawn; for half of what is drawn nothing."""
    number = int.from_bytes(hashlib.sha256(repr(drawn).encode()).digest()[:4], "big")
    return known[number // 2 % len(known)] if number % 2 and known else None


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Half of the addresses name what there is. Nothing that the rest needs is deleted."""
    operation = context.operation
    if not path_parameters or operation.method.upper() == "DELETE":
        return path_parameters
    if "token" in path_parameters:
        path_parameters["token"] = one_of([LINK], path_parameters["token"]) or path_parameters["token"]
    for folder, noun in FOLDERS:
        if "id" in path_parameters and operation.path.startswith(folder):
            path_parameters["id"] = one_of(KNOWN[noun], path_parameters["id"]) or path_parameters["id"]
            break
    return path_parameters


@schemathesis.hook
def map_body(context, body):
    """Half of the ids in bodies are those of what there is."""
    if isinstance(body, dict):
        for name, value in body.items():
            known = KNOWN.get(name.removesuffix("_id")) if name.endswith("_id") else None
            if known and isinstance(value, str):
                body[name] = one_of(known, value) or value
    return body


if ROLE in ("admin", "teacher", "student"):
    schemathesis.auth.set_from_requests(Bearer(log_in(ROLE)))
elif ROLE == "scanner":
    code = call("POST", "/api/admin/devices", ADMIN, {"name": "Schemathesis"})["pairing_code"]
    paired = call("POST", "/api/device/pair", body={"code": code, "mac_address": "02:00:00:00:00:05"})
    schemathesis.auth.set_from_requests(Signed(paired["device_id"], paired["key"]))
elif ROLE == "server":
    schemathesis.auth.set_from_requests(OlderNode())
