//! `decisions.jsonl`: one line a decision or event.
