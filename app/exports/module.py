"""Exports: products and orders as files, made by a worker."""

from __future__ import annotations

from app.exports import jobs
from app.kit.module import Module

module = Module(name="exports", jobs=[jobs.SPEC], permissions={"exports.run": "approver"})
