// Server events become actions, one line each.
import type { Signaling } from '../signaling/events';
import type { Action } from './actions';

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
    on('connection-quality', ({ participantId, quality }) =>
      dispatch({ type: 'quality', participantId, quality }),
    ),
    on('hand-raised', ({ participantId, raised, timestamp }) =>
      dispatch({ type: 'hand', participantId, raised, at: Date.parse(timestamp) || 0 }),
    ),
    on('new-message', ({ message }) => dispatch({ type: 'message', message })),
    on('join-request', ({ participantId, userName }) =>
      dispatch({ type: 'request', request: { participantId, userName } }),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
