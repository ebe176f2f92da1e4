"""Batches of operations and their results behind a link that expires, facts/mailchimp.md, 2.9."""

import gzip
import hashlib
import io
import tarfile
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Batch, BatchStatus, MailchimpState, Operation, OperationResult
from reconciler.sandbox.service import Reply, Request

RESULTS_PREFIX = "/batch-results/"
MOST_PENDING = 500
LINK_LIVES = timedelta(minutes=10)
BATCH_LIVES = timedelta(days=7)
_RESULT_FILES = 2  # a program must expect several
_STAGES = list(BatchStatus)
_ACCESS_DENIED = (
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)


class BatchBody(msgspec.Struct):
    """What is sent."""

    operations: list[Operation] = []


def add_batch(call: Call) -> Json:
    """POST /batches. Raise Problem if 500 are pending, 56."""
    operations = call.body(BatchBody).operations
    if not operations:
        raise problems.missing("operations")
    if sum(one.status is not BatchStatus.FINISHED for one in call.state.batches.values()) >= MOST_PENDING:
        raise problems.too_many_batches()
    batch = Batch(id=call.state.new_id(10), submitted_at=call.now, operations=operations)
    call.state.batches[batch.id] = batch
    return _batch(call, batch)


def list_batches(call: Call) -> Json:
    """GET /batches."""
    rows = [batch for batch in call.state.batches.values() if call.now - batch.submitted_at < BATCH_LIVES]
    return {
        "batches": [_batch(call, batch) for batch in rows[call.page()]],
        "total_items": len(rows),
        "_links": links("/batches"),
    }


def get_batch(call: Call) -> Json:
    """GET /batches/{batch_id}: each look finds it one stage further. Raise Problem if it is days old, 58."""
    batch = _named(call)
    if batch.status is not BatchStatus.FINISHED:
        batch.status = _STAGES[_STAGES.index(batch.status) + 1]
        if batch.status is BatchStatus.STARTED:
            batch.results = [_run(call, operation) for operation in batch.operations]
        if batch.status is BatchStatus.FINISHED:
            batch.completed_at = call.now
    return _batch(call, batch)


def delete_batch(call: Call) -> None:
    """DELETE /batches/{batch_id}: stops it; its results are lost."""
    del call.state.batches[_named(call).id]


def download(state: MailchimpState, request: Request, now: datetime) -> Reply:
    """Given a request for the results of a batch, return the archive, 403 if the link expired."""
    batch = state.batches.get(request.path.removeprefix(RESULTS_PREFIX).removesuffix(".tar.gz"))
    expires = request.query.get("Expires", "")
    if batch is None or request.query.get("Signature") != _signature(state, batch, expires):
        return Reply(404)
    if now.timestamp() > int(expires):
        return Reply(403, _ACCESS_DENIED, (("Content-Type", "application/xml"),))
    return Reply(200, _archive(batch), (("Content-Type", "application/gzip"),))


def _named(call: Call) -> Batch:
    batch = call.state.batches.get(call.path["batch_id"])
    if batch is None or call.now - batch.submitted_at >= BATCH_LIVES:
        raise problems.not_found()
    return batch


def _run(call: Call, operation: Operation) -> OperationResult:
    reply = call.perform(
        Request(
            method=operation.method.upper(),
            path=f"/3.0/{operation.path.lstrip('/')}",
            query={name: _parameter(value) for name, value in operation.params.items()},
            headers=call.request.headers,
            body=operation.body.encode(),
        )
    )
    return OperationResult(
        status_code=reply.status, operation_id=operation.operation_id, response=reply.body.decode()
    )


def _parameter(value: str | int | bool) -> str:  # noqa: FBT001  # JSON has it so
    return str(value).lower() if isinstance(value, bool) else str(value)


def _archive(batch: Batch) -> bytes:
    """Given a finished batch, return its results as Mailchimp packs them: `./` and several files."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for number in range(_RESULT_FILES):
            content = msgspec.json.encode(batch.results[number::_RESULT_FILES])
            entry = tarfile.TarInfo(f"./{batch.id}_{number}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _signature(state: MailchimpState, batch: Batch, expires: str) -> str:
    return hashlib.sha256(f"{state.seed}:{batch.id}:{expires}".encode()).hexdigest()[:20]


def _link(call: Call, batch: Batch) -> str:
    expires = str(int((call.now + LINK_LIVES).astimezone(UTC).timestamp()))
    query = urlencode({"Expires": expires, "Signature": _signature(call.state, batch, expires)})
    return f"{call.base_url}{RESULTS_PREFIX}{batch.id}.tar.gz?{query}"


def _batch(call: Call, batch: Batch) -> Json:
    finished = batch.status is BatchStatus.FINISHED
    return {
        "id": batch.id,
        "status": batch.status,
        "total_operations": len(batch.operations),
        "finished_operations": len(batch.results),
        "errored_operations": sum(result.status_code >= 400 for result in batch.results),
        "submitted_at": when(batch.submitted_at),
        "completed_at": when(batch.completed_at),
        "response_body_url": _link(call, batch) if finished else "",
        "_links": links(f"/batches/{batch.id}"),
    }
