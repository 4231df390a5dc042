//! Files for messages, with real bytes: up through a form, down with ranges, and gone when nobody refers to them.

use serde_json::{Value, json};
use time::Duration;

use super::chat::{listener, room, say};
use super::support::{Raw, Setup, World};

/// The smallest picture there is.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

fn refused(answer: &Raw, status: u16, message: &str) {
    let body = answer.json();
    assert_eq!((answer.status, body["message"].as_str()), (status, Some(message)), "{body}");
}

async fn get(world: &World, who: &str, path: &str, headers: &[(&str, &str)]) -> Raw {
    world.raw("GET", path, &world.token(who).await, headers, Vec::new()).await
}

/// How many files lie on the disk, those on their way in included.
fn on_disk(world: &World) -> usize {
    let folders = std::fs::read_dir(world.directory.path().join("files")).expect("a folder");
    let files = |folder: std::fs::DirEntry| std::fs::read_dir(folder.path()).expect("a folder").count();
    folders.map(|folder| files(folder.expect("an entry"))).sum()
}

#[tokio::test]
async fn add_11_add_12_a_file_goes_with_a_message_to_those_who_can_read_it() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let member = listener(&world, "member", &room).await;
    let up = world.upload(&world.token("host").await, "../Übersicht.png", "image/png", PNG).await;
    assert_eq!(up.status, 201, "{}", up.json());
    let file = up.json()["data"].clone();
    let (id, url) = (file["id"].as_str().expect("an id"), file["url"].as_str().expect("a path"));
    assert_eq!(
        file,
        json!({ "id": id, "name": "Übersicht.png", "type": "image/png", "size": PNG.len(), "url": url })
    );
    assert_eq!(get(&world, "host", url, &[]).await.body, PNG, "before it is sent it is its uploader's");
    refused(&get(&world, "member", url, &[]).await, 404, "Attachment not found");

    let said = say(&world, "host", &room, json!({ "attachments": [file] })).await;
    assert_eq!((&said["content"], &said["messageType"]), (&json!(""), &json!("file")));
    let heard = member.expect("new-chat-message").await;
    assert_eq!(heard["data"]["attachments"], json!([file]));
    let down = get(&world, "member", url, &[]).await;
    assert_eq!((down.status, down.body.as_slice()), (200, PNG));
    assert_eq!(
        (down.header("content-type"), down.header("x-content-type-options")),
        ("image/png", "nosniff")
    );
    assert_eq!(down.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(
        down.header("content-disposition"),
        "attachment; filename=\"_bersicht.png\"; filename*=UTF-8''%C3%9Cbersicht.png"
    );
    assert_eq!(
        (down.header("accept-ranges"), down.header("content-length")),
        ("bytes", PNG.len().to_string().as_str())
    );
    for who in ["second", "outsider", "admin"] {
        refused(&get(&world, who, url, &[]).await, 404, "Attachment not found");
    }
    let (path, token) = (format!("/api/chat/rooms/{room}/messages"), world.token("host").await);
    let again = world.post(&path, &token, json!({ "attachments": [id] })).await;
    assert_eq!(again["message"], "Attachment not found", "a file is sent once");

    let part = get(&world, "member", url, &[("range", "bytes=1-3")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &b"PNG"[..]));
    assert_eq!(part.header("content-range"), format!("bytes 1-3/{}", PNG.len()));
    let tail = get(&world, "member", url, &[("range", "bytes=-4")]).await;
    assert_eq!(tail.body, PNG[PNG.len() - 4..]);
    let outside = get(&world, "member", url, &[("range", "bytes=9999-")]).await;
    assert_eq!(outside.header("content-range"), format!("bytes */{}", PNG.len()));
    refused(&outside, 416, "Range not satisfiable");
}

#[tokio::test]
async fn add_11_what_is_not_taken_leaves_nothing_behind() {
    let settings = vec![("ATTACHMENT_MAX_MIB", "1"), ("ATTACHMENT_QUOTA_MIB", "1")];
    let world = World::with(Setup { settings, ..Setup::default() }).await;
    let token = world.token("member").await;
    let large = vec![b'x'; 1024 * 1024 + 1];
    for (name, kind, bytes, status, message) in [
        ("a.png", "image/png", &b"<script>"[..], 415, "File type not allowed"),
        ("a.jpg", "image/jpeg", PNG, 415, "File type not allowed"),
        ("a.html", "text/html", b"<script>", 415, "File type not allowed"),
        ("a.svg", "image/svg+xml", b"<svg/>", 415, "File type not allowed"),
        ("a.txt", "text/plain", b"MZ\0\0", 415, "File type not allowed"),
        ("a.bin", "application/octet-stream", b"??", 415, "File type not allowed"),
        ("a.txt", "text/plain", &large, 413, "File too large"),
    ] {
        refused(&world.upload(&token, name, kind, bytes).await, status, message);
    }
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    let without =
        world.raw("POST", "/api/chat/attachments", &token, &headers, b"--edge--\r\n".to_vec()).await;
    refused(&without, 400, "file is required");
    let json = [("content-type", "application/json")];
    let no_form = world.raw("POST", "/api/chat/attachments", &token, &json, b"{}".to_vec()).await;
    refused(&no_form, 400, "Invalid request body: not a form");
    let cut =
        b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhal".to_vec();
    let cut = world.raw("POST", "/api/chat/attachments", &token, &headers, cut).await;
    refused(&cut, 400, "Invalid request body: cut off, or not a form");
    assert_eq!(on_disk(&world), 0);

    let most = vec![b'x'; 1024 * 1024 - 10];
    assert_eq!(world.upload(&token, "a.txt", "text/plain; charset=utf-8", &most).await.status, 201);
    let over = world.upload(&token, "b.txt", "text/plain", b"eleven byte").await;
    assert_eq!(over.json()["code"], "QUOTA_EXCEEDED");
    refused(&over, 413, "Storage quota exceeded");
    let guessed = world.upload(&token, "c", "application/octet-stream", &PNG[..10]).await;
    assert_eq!((guessed.status, guessed.json()["data"]["type"].as_str()), (201, Some("image/png")));
    assert_eq!(on_disk(&world), 2);
}

#[tokio::test]
async fn add_12_what_nobody_refers_to_is_removed_however_often_it_is_swept() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let token = world.token("host").await;
    let mut files = Vec::new();
    for name in ["sent.txt", "deleted.txt", "unsent.txt", "discarded.txt"] {
        let up = world.upload(&token, name, "text/plain", name.as_bytes()).await.json()["data"].clone();
        files.push((up["id"].clone(), up["url"].as_str().expect("a path").to_owned()));
    }
    let [sent, deleted, unsent, discarded] = &files[..] else { panic!("four files") };
    say(&world, "host", &room, json!({ "attachments": [sent.0] })).await;
    let message = say(&world, "host", &room, json!({ "content": "x", "attachments": [deleted.0] })).await;
    world
        .delete(&format!("/api/chat/messages/{}", message["messageId"].as_str().expect("an id")), &token)
        .await;
    refused(&get(&world, "host", &deleted.1, &[]).await, 404, "Attachment not found");
    let strange = world.delete(&discarded.1, &world.token("member").await).await;
    assert_eq!(strange["message"], "Attachment not found");
    assert_eq!(world.delete(&discarded.1, &token).await["success"], true);
    assert_eq!(world.delete(&sent.1, &token).await["message"], "Attachment not found", "what is sent stays");

    let sweep = || async { world.app.services.files.sweep().await.expect("swept") };
    sweep().await;
    assert_eq!(on_disk(&world), 2, "a fresh upload waits for its message");
    world.app.services.clock.advance(Duration::hours(25));
    let token = world.token("host").await;
    let (one, other) = futures_util::join!(sweep(), sweep());
    assert_eq!((one + other, sweep().await), (1, 0), "two sweeps at once remove it once");
    assert_eq!(on_disk(&world), 1);
    let url = &unsent.1;
    refused(&world.raw("GET", url, &token, &[], Vec::new()).await, 404, "Attachment not found");
    assert_eq!(world.raw("GET", &sent.1, &token, &[], Vec::new()).await.body, b"sent.txt");
}

#[tokio::test]
async fn add_11_add_13_files_go_with_their_room_and_count_for_nobody_then() {
    let settings = vec![("ATTACHMENT_MAX_MIB", "1"), ("ATTACHMENT_QUOTA_MIB", "1")];
    let world = World::with(Setup { settings, ..Setup::default() }).await;
    let room = room(&world, &["member"]).await;
    let token = world.token("host").await;
    let large = vec![b'x'; 1024 * 1024];
    let up = world.upload(&token, "large.txt", "text/plain", &large).await.json()["data"].clone();
    say(&world, "host", &room, json!({ "attachments": [up["id"]] })).await;
    assert_ne!(world.upload(&token, "more.txt", "text/plain", b"more").await.status, 201, "no room is left");
    world.delete(&format!("/api/chat/rooms/{room}"), &token).await;
    assert_eq!(world.upload(&token, "more.txt", "text/plain", b"more").await.status, 201);
    assert_eq!(world.app.services.files.sweep().await.expect("swept"), 1);
}

#[tokio::test]
async fn add_ev_30_a_message_inside_a_meeting_carries_files() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let file =
        world.upload(&world.token("host").await, "plan.txt", "text/plain", b"A plan").await.json()["data"]
            .clone();
    let host_id = world.user("host").await;
    let sent = host.call("send-message", json!({ "meetingId": meeting, "attachments": [file["id"]] })).await;
    assert_eq!(
        (&sent["message"]["message_type"], &sent["message"]["attachments"]),
        (&json!("file"), &json!([file]))
    );
    let heard = member.expect("new-message").await;
    assert_eq!(
        (&heard["message"]["attachments"], &heard["message"]["sender_id"]),
        (&json!([file]), &json!(host_id))
    );
    let history = world.get(&format!("/api/meeting/{meeting}/chat"), &world.token("member").await).await;
    assert_eq!(history["data"][0]["attachments"], json!([file]));
    let url = file["url"].as_str().expect("a path");
    assert_eq!(get(&world, "member", url, &[]).await.body, b"A plan");
    refused(&get(&world, "second", url, &[]).await, 404, "Attachment not found");
    let nothing = member.call("send-message", json!({ "meetingId": meeting, "attachments": [] })).await;
    assert_eq!(nothing["message"], "message is required");
    let stolen =
        member.call("send-message", json!({ "meetingId": meeting, "attachments": [file["id"]] })).await;
    assert_eq!(stolen["message"], "Attachment not found");
    let _: Value = stolen;
}
