//! The assistant's messages in the API's own shape, whole and as server-sent events.

use serde_json::{Value, json};

use super::script::Block;

fn envelope(model: &Value, id: &str) -> Value {
    json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant",
        "model": model, "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 1 },
    })
}

fn stop_reason(blocks: &[Block]) -> &'static str {
    let calls = blocks.iter().any(|block| matches!(block, Block::Tool { .. }));
    if calls { "tool_use" } else { "end_turn" }
}

fn content(id: &str, index: usize, block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({ "type": "text", "text": text }),
        Block::Tool { name, input } => json!({
            "type": "tool_use", "id": format!("toolu_{id}_{index}"), "name": name, "input": input,
        }),
    }
}

/// The message as one document.
pub(super) fn entire(model: &Value, id: &str, blocks: &[Block]) -> Value {
    let mut message = envelope(model, id);
    let blocks_with_places = blocks.iter().enumerate();
    message["content"] = blocks_with_places.map(|(n, block)| content(id, n, block)).collect();
    message["stop_reason"] = stop_reason(blocks).into();
    message
}

/// The message as server-sent events.
pub(super) fn stream(model: &Value, id: &str, blocks: &[Block]) -> String {
    let mut events = vec![json!({ "type": "message_start", "message": envelope(model, id) })];
    for (index, block) in blocks.iter().enumerate() {
        let (shell, delta) = match block {
            Block::Text(text) => (
                json!({ "type": "text", "text": "" }),
                json!({ "type": "text_delta", "text": text }),
            ),
            Block::Tool { input, .. } => {
                let mut shell = content(id, index, block);
                shell["input"] = json!({});
                let delta =
                    json!({ "type": "input_json_delta", "partial_json": input.to_string() });
                (shell, delta)
            }
        };
        events
            .push(json!({ "type": "content_block_start", "index": index, "content_block": shell }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    events.push(json!({
        "type": "message_delta", "usage": { "output_tokens": 5 },
        "delta": { "stop_reason": stop_reason(blocks), "stop_sequence": null },
    }));
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(server_sent).collect()
}

fn server_sent(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {event}\n\n")
}
