//! Chat rooms, messages, what hangs on them, and files.

use plenum_control::domain::account::Account;
use plenum_control::domain::attachment::{Attachment, Upload};
use plenum_control::domain::chat::{ChatMessage, MessageKind, Place, Recipient, Sender};
use plenum_control::domain::chat_room::{ChatRoom, Member};
use plenum_control::domain::error::DomainError;
use plenum_control::domain::id::{AttachmentId, CampusId, ChatRoomId, MessageId};
use time::Duration;

use super::{World, now};

on_both![
    a_room_comes_back_as_it_went_in_and_changes_whole_or_not_at_all,
    rooms_are_listed_by_their_newest_message_with_what_is_unread,
    pages_of_a_room_are_cut_by_message_and_hide_what_is_private,
    reactions_and_receipts_are_kept_once,
    a_file_is_sent_once_and_only_by_its_uploader,
    a_quota_holds_for_uploads_at_once,
];

fn member(account: &Account) -> Member {
    Member { user: account.id, name: account.name.clone(), joined_at: now() }
}

async fn room(world: &World, members: &[&Account]) -> ChatRoom {
    let room = ChatRoom {
        id: ChatRoomId::generate(),
        campus: CampusId::new("default"),
        name: "Course 'ü'".into(),
        owner: members[0].id,
        created_at: now(),
        members: members.iter().map(|account| member(account)).collect(),
    };
    world.store.insert_chat_room(&room).await.expect("inserted");
    room
}

/// A message said `n` seconds in.
fn message(place: Place, sender: &Account, n: i64) -> ChatMessage {
    ChatMessage {
        id: MessageId::generate(),
        place,
        sender: Sender::User(sender.id),
        sender_name: sender.name.clone(),
        text: format!("text {n}"),
        kind: MessageKind::Text,
        recipient: Recipient::All,
        attachments: Vec::new(),
        mentions: Vec::new(),
        sent_at: now() + Duration::seconds(n),
        link: None,
        edited_at: None,
        deleted: false,
    }
}

async fn say(world: &World, place: Place, sender: &Account, n: i64) -> ChatMessage {
    let message = message(place, sender, n);
    world.store.insert_message(&message).await.expect("inserted");
    message
}

async fn a_room_comes_back_as_it_went_in_and_changes_whole_or_not_at_all(world: World) {
    let (ada, bob, eve) =
        (world.account("ada").await, world.account("bob").await, world.account("eve").await);
    let room = room(&world, &[&ada, &bob]).await;
    assert_eq!(world.store.chat_room(room.id).await, Ok(Some(room.clone())));
    let refused = world.store.change_chat_room(room.id, now(), |room| {
        room.members.clear();
        Err::<(), _>(DomainError::Forbidden)
    });
    assert_eq!(refused.await, Err(DomainError::Forbidden));
    assert_eq!(world.store.chat_room(room.id).await, Ok(Some(room.clone())));
    let (changed, departed) = world
        .store
        .change_chat_room(room.id, now(), |room| {
            room.name = "Other".into();
            room.add(vec![member(&eve)])?;
            room.remove(ada.id)
        })
        .await
        .expect("changed");
    assert_eq!((departed.new_owner, changed.users()), (Some(bob.id), vec![bob.id, eve.id]));
    assert_eq!(world.store.chat_room(room.id).await, Ok(Some(changed)));
    assert_eq!(world.store.chat_room_ids_of(&ada).await, Ok(vec![]));
    assert_eq!(world.store.chat_room_ids_of(&eve).await, Ok(vec![room.id]));
    let far = Account { campus: CampusId::new("other"), ..eve.clone() };
    assert_eq!(world.store.chat_room_ids_of(&far).await, Ok(vec![]));
    let deserted = world.store.change_chat_room(room.id, now(), |room| {
        room.members.clear();
        Ok(())
    });
    deserted.await.expect("changed");
    assert_eq!(world.store.chat_room(room.id).await, Ok(None));
    let gone = world.store.change_chat_room(room.id, now(), |_| Ok(())).await;
    assert_eq!(gone, Err(DomainError::ChatRoomNotFound));
}

async fn rooms_are_listed_by_their_newest_message_with_what_is_unread(world: World) {
    let (ada, bob) = (world.account("ada").await, world.account("bob").await);
    let quiet = room(&world, &[&ada]).await;
    let lively = room(&world, &[&ada, &bob]).await;
    let place = Place::Room(lively.id);
    say(&world, place, &ada, 1).await;
    let seen = say(&world, place, &bob, 2).await;
    let deleted = say(&world, place, &bob, 3).await;
    let last = say(&world, place, &bob, 4).await;
    // Before he came: nobody expects him to have read it.
    say(&world, place, &bob, -10).await;
    assert_eq!(world.store.mark_seen(ada.id, &[seen.id], now()).await, Ok(vec![seen.id]));
    assert_eq!(world.store.delete_message(deleted.id, now()).await, Ok(true));
    let listed = world.store.chat_rooms_of(ada.id, 10, 0).await.expect("reads");
    let shown: Vec<_> = listed.iter().map(|one| (one.room.id, one.unread, one.member_count)).collect();
    assert_eq!(shown, [(lively.id, 1, 2), (quiet.id, 0, 1)]);
    assert_eq!(listed[0].last.as_ref().map(|line| line.message.id), Some(last.id));
    assert_eq!((listed[0].room.clone(), &listed[1].last), (lively.clone(), &None));
    let second = world.store.chat_rooms_of(ada.id, 1, 1).await.expect("reads");
    assert_eq!(second.iter().map(|one| one.room.id).collect::<Vec<_>>(), [quiet.id]);
    let one = world.store.chat_room_summary(lively.clone(), bob.id).await.expect("reads");
    assert_eq!((one.room, one.unread), (lively, 1));
}

async fn pages_of_a_room_are_cut_by_message_and_hide_what_is_private(world: World) {
    let (ada, bob, eve) =
        (world.account("ada").await, world.account("bob").await, world.account("eve").await);
    let meeting = world.meeting(&ada).await;
    let place = Place::Meeting(meeting.id);
    // All in one moment: the id decides the order.
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(say(&world, place, &ada, 0).await);
    }
    said.sort_by_key(|message| message.id);
    let private = ChatMessage { recipient: Recipient::User(bob.id), ..message(place, &ada, 1) };
    let for_hosts = ChatMessage { recipient: Recipient::Hosts, ..message(place, &bob, 2) };
    for hidden in [&private, &for_hosts] {
        world.store.insert_message(hidden).await.expect("inserted");
    }
    let page = |reader: &Account, runs, before: Option<ChatMessage>, limit| {
        let (store, reader) = (world.store.clone(), reader.id);
        async move {
            let lines = store.chat_page(place, reader, runs, before.as_ref(), limit).await.expect("reads");
            lines.into_iter().map(|line| line.message.id).collect::<Vec<_>>()
        }
    };
    let ids: Vec<_> = said.iter().map(|message| message.id).collect();
    assert_eq!(page(&eve, false, None, 10).await, ids);
    assert_eq!(page(&eve, true, None, 1).await, [for_hosts.id]);
    assert_eq!(page(&bob, false, None, 2).await, [private.id, for_hosts.id]);
    assert_eq!(page(&eve, false, Some(said[3].clone()), 2).await, ids[1..3]);
    assert_eq!(page(&eve, false, Some(said[0].clone()), 2).await, []);
    // The history of the meeting reads the same table.
    let history = world.store.messages(meeting.id, Sender::User(eve.id), false, 2, 0).await.expect("reads");
    assert_eq!(history.iter().map(|message| message.id).collect::<Vec<_>>(), ids[3..]);
    assert_eq!(world.store.message(private.id).await, Ok(Some(private.clone())));
    assert_eq!(world.store.edit_message(private.id, "other", now()).await, Ok(true));
    assert_eq!(world.store.delete_message(private.id, now()).await, Ok(true));
    assert_eq!(world.store.edit_message(private.id, "third", now()).await, Ok(false));
    assert_eq!(world.store.delete_message(private.id, now()).await, Ok(false));
    let kept = world.store.message(private.id).await.expect("reads").expect("keeps its place");
    assert_eq!((kept.deleted, kept.text.as_str()), (true, ""));
}

async fn reactions_and_receipts_are_kept_once(world: World) {
    let (ada, bob) = (world.account("ada").await, world.account("bob").await);
    let place = Place::Room(room(&world, &[&ada, &bob]).await.id);
    let said = say(&world, place, &ada, 0).await;
    let react = |by: &Account, emoji: &'static str, wanted, n| {
        let (store, id, by) = (world.store.clone(), said.id, by.id);
        async move { store.react(id, by, emoji, wanted, now() + Duration::seconds(n)).await }
    };
    let first = react(&ada, "👍", None, 1).await.expect("given");
    assert!(first.added && first.is_new);
    assert!(!react(&ada, "👍", Some(true), 2).await.expect("there").is_new);
    react(&bob, "❤️", None, 3).await.expect("given");
    let both = react(&bob, "👍", None, 4).await.expect("given").reactions;
    let shown: Vec<_> = both.iter().map(|one| (one.emoji.as_str(), one.users.clone())).collect();
    assert_eq!(shown, [("👍", vec![ada.id, bob.id]), ("❤️", vec![bob.id])]);
    let taken = react(&ada, "👍", None, 5).await.expect("taken back");
    assert!(taken.is_new && !taken.added);
    assert!(!react(&ada, "👍", Some(false), 6).await.expect("not there").is_new);

    let later = now() + Duration::seconds(9);
    world.store.note_delivered(said.id, &[bob.id], now()).await.expect("noted");
    world.store.note_delivered(said.id, &[bob.id], later).await.expect("noted");
    assert_eq!(world.store.mark_seen(bob.id, &[said.id], later).await, Ok(vec![said.id]));
    assert_eq!(world.store.mark_seen(bob.id, &[said.id], later + Duration::SECOND).await, Ok(vec![]));
    let receipts = world.store.receipts(said.id).await.expect("reads");
    assert_eq!(receipts.len(), 1);
    assert_eq!((receipts[0].delivered_at, receipts[0].seen_at), (Some(now()), Some(later)));
    let line = world.store.chat_line(said.id, bob.id).await.expect("reads").expect("is there");
    assert_eq!((line.delivered, line.seen, line.seen_by_me, line.reactions.len()), (1, 1, true, 2));
    world.store.delete_message(said.id, now()).await.expect("deleted");
    assert_eq!(react(&bob, "👍", None, 7).await, Err(DomainError::MessageNotFound));
}

fn upload(uploader: &Account, bytes: u64, n: i64) -> Upload {
    Upload {
        attachment: Attachment {
            id: AttachmentId::generate(),
            name: "plan.pdf".into(),
            media_type: "application/pdf".into(),
            bytes,
        },
        uploader: uploader.id,
        message: None,
        uploaded_at: now() + Duration::seconds(n),
    }
}

async fn a_file_is_sent_once_and_only_by_its_uploader(world: World) {
    let (ada, bob) = (world.account("ada").await, world.account("bob").await);
    let place = Place::Room(room(&world, &[&ada, &bob]).await.id);
    let [sent, unsent, stolen] = [upload(&ada, 5, 0), upload(&ada, 7, 1), upload(&ada, 9, 2)];
    for file in [&sent, &unsent, &stolen] {
        world.store.insert_upload(file, |_| Ok(())).await.expect("kept");
    }
    assert_eq!(world.store.kept_bytes(ada.id).await, Ok(21));
    let with = |sender: &Account, file: &Upload| ChatMessage {
        kind: MessageKind::File,
        attachments: vec![file.attachment.clone()],
        ..message(place, sender, 3)
    };
    let first = with(&ada, &sent);
    world.store.insert_message(&first).await.expect("inserted");
    assert_eq!(world.store.message(first.id).await, Ok(Some(first.clone())));
    for wrong in [with(&ada, &sent), with(&bob, &stolen)] {
        assert_eq!(world.store.insert_message(&wrong).await, Err(DomainError::AttachmentNotFound));
        assert_eq!(world.store.message(wrong.id).await, Ok(None), "and the message is not kept either");
    }
    let found = world.store.upload(sent.attachment.id).await.expect("reads").expect("is there");
    assert_eq!(found.message, Some(first.id));
    assert_eq!(world.store.discard_upload(sent.attachment.id, ada.id, now()).await, Ok(false));
    assert_eq!(world.store.discard_upload(stolen.attachment.id, bob.id, now()).await, Ok(false));
    assert_eq!(world.store.discard_upload(stolen.attachment.id, ada.id, now()).await, Ok(true));
    world.store.mark_unsent_uploads(now() + Duration::seconds(2), now()).await.expect("marked");
    world.store.delete_message(first.id, now()).await.expect("deleted");
    let mut removed = world.store.removed_uploads(10).await.expect("reads");
    removed.sort();
    let mut expected = vec![sent.attachment.id, unsent.attachment.id, stolen.attachment.id];
    expected.sort();
    assert_eq!(removed, expected);
    assert_eq!(
        (world.store.kept_bytes(ada.id).await, world.store.upload(unsent.attachment.id).await),
        (Ok(0), Ok(None))
    );
    world.store.forget_uploads(&removed[..2]).await.expect("forgotten");
    assert_eq!(world.store.removed_uploads(10).await, Ok(vec![removed[2]]));
}

async fn a_quota_holds_for_uploads_at_once(world: World) {
    let ada = world.account("ada").await;
    let one = |n| {
        let (store, file) = (world.store.clone(), upload(&ada, 10, n));
        async move {
            let fits = |kept| if kept + 10 <= 50 { Ok(()) } else { Err(DomainError::QuotaExceeded) };
            store.insert_upload(&file, fits).await
        }
    };
    let done = futures_util::future::join_all((0..12).map(one)).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 5);
    assert_eq!(world.store.kept_bytes(ada.id).await, Ok(50));
}
