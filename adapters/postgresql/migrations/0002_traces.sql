-- Where the trace of an event or an action goes on, in the form of the W3C; NULL if it is not traced.

ALTER TABLE flyte_slack.outbox ADD COLUMN traceparent text;
ALTER TABLE flyte_slack.journal ADD COLUMN traceparent text;
