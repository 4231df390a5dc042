// Server events become actions, one line each.
import { chatLine } from '../signaling/chatWire';
import type { Signaling } from '../signaling/events';
import type { Action } from './actions';
import { breakoutsOf } from './breakouts';
import type { TalkAction } from './talk';

/** Connects a link to a state; returns the way to disconnect it. */
export function wire(signaling: Signaling, dispatch: (action: Action) => void): () => void {
  const on = signaling.on.bind(signaling);
  const ends = [
    on('participant-joined', (person) => dispatch({ type: 'person-joined', person })),
    on('participant-left', ({ participantId }) => dispatch({ type: 'person-left', participantId })),
    on('participant-media-updated', ({ participantId, audio, video, screenSharing }) =>
      dispatch({ type: 'media-updated', participantId, audio, video, screen: screenSharing }),
    ),
    on('new-producer', ({ participantId, producerId, kind, source, paused = false }) =>
      dispatch({ type: 'producer-added', participantId, producer: { producerId, kind, source, paused } }),
    ),
    on('producer-closed', ({ participantId, producerId }) =>
      dispatch({ type: 'producer-closed', participantId, producerId }),
    ),
    on('producer-paused', ({ participantId, producerId }) =>
      dispatch({ type: 'producer-paused', participantId, producerId, paused: true }),
    ),
    on('producer-resumed', ({ participantId, producerId }) =>
      dispatch({ type: 'producer-paused', participantId, producerId, paused: false }),
    ),
    on('active-speaker', ({ participantId }) => dispatch({ type: 'speaker', participantId })),
    on('active-speakers', ({ speakers }) =>
      dispatch({ type: 'speakers', participantIds: speakers.map(({ participantId }) => participantId) }),
    ),
    on('connection-quality', ({ participantId, quality }) =>
      dispatch({ type: 'quality', participantId, quality }),
    ),
    on('hand-raised', ({ participantId, raised, timestamp }) =>
      dispatch({ type: 'hand', participantId, raised, at: Date.parse(timestamp) || 0 }),
    ),
    on('security-policy-changed', ({ securityPolicy: policy }) => dispatch({ type: 'policy', policy })),
    on('participant-role-changed', ({ participantId, new_role: role, permissions }) =>
      dispatch({ type: 'role', participantId, role, permissions }),
    ),
    on('breakout-rooms-changed', (told) => dispatch({ type: 'breakouts', breakouts: breakoutsOf(told) })),
    on('breakout-assigned', ({ participantId, roomId }) =>
      dispatch({ type: 'breakout-place', participantId, roomId }),
    ),
    on('muted-by-host', ({ muted }) => dispatch({ type: 'host-muted', muted })),
    on('recording-status-changed', ({ recording, startedBy = null }) =>
      dispatch({ type: 'recording', on: recording, by: recording ? startedBy : null }),
    ),
    on('new-message', ({ message }) => dispatch({ type: 'message', message: chatLine(message) })),
    on('user-typing', ({ userId, userName, typing }) =>
      dispatch({ type: 'typing', userId, userName, on: typing }),
    ),
    ...talkEvents(signaling, dispatch),
    on('join-request', ({ participantId, userName }) =>
      dispatch({ type: 'request', request: { participantId, userName } }),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** What becomes of lines later; the same for a meeting and for a standing room. */
export function talkEvents(signaling: Signaling, dispatch: (action: TalkAction) => void): (() => void)[] {
  const on = signaling.on.bind(signaling);
  return [
    on('chat-message-edited', ({ data }) =>
      dispatch({ type: 'message-edited', id: data.messageId, text: data.newContent }),
    ),
    on('chat-message-deleted', ({ data }) => dispatch({ type: 'message-deleted', id: data.messageId })),
    on('chat-message-reaction', ({ data: { messageId, emoji, userId, action } }) =>
      dispatch({ type: 'message-reaction', id: messageId, emoji, userId, added: action === 'add' }),
    ),
    on('messages-seen', ({ messageIds, userId }) =>
      dispatch({ type: 'messages-seen', ids: messageIds, userId }),
    ),
  ];
}
