# SPDX-License-Identifier: Apache-2.0
"""Transactions, which dynalite does not know, with no better isolation than the
service's own: the items of one change one after the other, so that a BatchGetItem
in between sees some of them new and some old. Nobody else writes them meanwhile,
and TransactGetItems that name one are refused."""
import json
import random
import threading
import time

PREFIX = "com.amazonaws.dynamodb.v20120810#"
ITEMS_MAX = 100
GAP_S = 0.001  # between two items
CONDITION = "attribute_not_exists(c) OR c < :c"
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


def refusal(kind, **more):
    return 400, json.dumps({"__type": PREFIX + kind, **more}).encode()


def cancelled(reasons):
    return refusal("TransactionCanceledException", CancellationReasons=reasons)


def name_of(request):
    return request["TableName"], (request.get("Key") or request["Item"])["n"]["S"]


def does_not_hold(update, item):
    """The condition, the one that there is; dynalite is asked again."""
    if update["ConditionExpression"] != CONDITION:
        raise AssertionError(update)
    wanted = int(update["ExpressionAttributeValues"][":c"]["N"])
    return "c" in item and int(item["c"]["N"]) >= wanted


class Transactions:
    """`forward(operation, request)` asks dynalite: (status, answer)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken = set()

    def serve(self, operation, body, forward):
        """None: no matter of transactions."""
        if operation in WRITES:
            return self.write(operation, json.loads(body), forward)
        if operation == "TransactWriteItems":
            return self.set(json.loads(body)["TransactItems"], forward)
        if operation == "TransactGetItems":
            return self.get(json.loads(body)["TransactItems"], forward)
        return None

    def write(self, operation, request, forward):
        with self.lock:
            if name_of(request) in self.taken:
                return refusal("TransactionConflictException")
            return forward(operation, request)

    def conflicts(self, names):
        if len(names) > ITEMS_MAX or len(set(names)) < len(names):
            return refusal("ValidationException", message="items")
        reasons = [{"Code": "TransactionConflict" if name in self.taken
                    else "None"} for name in names]
        return cancelled(reasons) if self.taken & set(names) else None

    def set(self, items, forward):
        updates = [item["Update"] for item in items]
        names = [name_of(update) for update in updates]
        with self.lock:
            refused = self.conflicts(names) or self.judge(updates, forward)
            if refused:
                return refused
            self.taken |= set(names)
        try:
            self.change(updates, forward)
        finally:
            with self.lock:
                self.taken -= set(names)
        return 200, b"{}"

    def judge(self, updates, forward):
        reasons = []
        for update in updates:
            item = self.item(update, forward)
            bad = does_not_hold(update, item)
            shown = update.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            reasons.append({"Code": "None"} if not bad else {
                "Code": "ConditionalCheckFailed",
                "Message": "The conditional request failed",
                **({"Item": item} if shown else {})})
        if any(reason["Code"] != "None" for reason in reasons):
            return cancelled(reasons)
        return None

    def change(self, updates, forward):
        for update in random.sample(updates, len(updates)):
            update.pop("ReturnValuesOnConditionCheckFailure", None)
            status, answer = forward("UpdateItem", update)
            if status != 200:
                raise AssertionError(answer)
            time.sleep(GAP_S)

    def item(self, request, forward):
        _, answer = forward("GetItem", {
            "TableName": request["TableName"], "Key": request["Key"],
            "ConsistentRead": True})
        return json.loads(answer).get("Item", {})

    def get(self, items, forward):
        gets = [item["Get"] for item in items]
        with self.lock:
            refused = self.conflicts([name_of(get) for get in gets])
            if refused:
                return refused
            found = [self.item(get, forward) for get in gets]
        return 200, json.dumps({"Responses": [
            {"Item": item} if item else {} for item in found]}).encode()
