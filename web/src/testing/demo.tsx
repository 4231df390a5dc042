// The whole client without a server, for the dev server only: /demo.html?people=5&share=1&knock=2&page=/chat
import '@fontsource-variable/figtree/index.css';
import '../ui/theme.css';
import { createRoot } from 'react-dom/client';
import type { RemoteProducer } from '../signaling/events';
import { Rest } from '../signaling/rest';
import type { TransportStats } from '../signaling/stats';
import { App } from '../ui/App';
import { type Services, ServicesContext } from '../ui/services';
import { session } from '../ui/session';
import { applyTheme } from '../ui/theme';
import { exposeForTests } from '../ui/window';
import { face, slides } from './faces';
import { FakeSession } from './media';
import { fakeFetch, fakeUpload, meeting, USERS, uploaded } from './rest';
import { FakeServer } from './server';

const NAMES =
  'Bruno Costa,Chiara Rossi,Dmitri Volkov,Esther Okafor,Farid Haddad,Greta Nyström,Hiro Tanaka,Ines Duarte,Jonas Weber,Katya Orlova,Liam Byrne,Mei Lin,Noor Rahman,Oskar Lund,Priya Nair,Quentin Roux,Rosa Méndez,Sofia Papadaki,Tomás Silva,Uma Patel,Viktor Hansen,Wanjiru Kamau,Ximena Ruiz,Yusuf Demir,Zoe Martin,Aiko Sato,Ben Cohen,Clara Vogel'.split(
    ',',
  );

const wanted = new URLSearchParams(location.search);
const people = Number(wanted.get('people') ?? 5);
const page = wanted.get('page') ?? '/m/weekly';

const meetings = wanted.has('empty')
  ? []
  : [
      meeting('weekly', 'Weekly planning', { meeting_status: 'live' }, -1),
      meeting(
        'review',
        'Design review',
        { meeting_description: 'The new lobby, and what is left of the grid.' },
        1,
      ),
      meeting(
        'standup',
        'Stand-up',
        {
          meeting_type: 'recurring',
          series_id: 'series',
          recurrence: 'FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20990101T000000Z',
        },
        4,
      ),
      meeting('board', 'Board meeting', { requires_password: true, creator_id: 'u3' }, 26),
      meeting('retro', 'Retrospective', { creator_id: 'u2' }, 75),
      meeting('kickoff', 'Project kick-off', { meeting_status: 'ended' }, -50),
      meeting('hiring', 'Hiring sync', { meeting_status: 'cancelled' }, -100),
    ];
const running = meeting('weekly', 'Weekly planning', { meeting_status: 'live' });
const server = new FakeServer(running);
server.waitingRoom = wanted.has('wait');
let media: FakeSession | null = null;

for (const [index, name] of NAMES.slice(0, people - 1).entries()) {
  const participantId = `bot-${index}`;
  const video = index % 5 !== 3;
  const producers: RemoteProducer[] = [{ producerId: `a${index}`, kind: 'audio', source: 'microphone' }];
  if (video) producers.push({ producerId: `v${index}`, kind: 'video', source: 'camera' });
  const sharing = index === 1 && wanted.has('share');
  if (sharing) producers.push({ producerId: 's1', kind: 'video', source: 'screen' });
  server.add({
    participantId,
    userId: `bot-user-${index}`,
    userName: name,
    audio: index % 3 !== 2,
    video,
    screen: sharing,
    role: index === 0 ? 'co_host' : index === 1 ? 'presenter' : 'attendee',
    producers,
  });
}

const QUALITIES = ['excellent', 'good', 'excellent', 'fair', 'excellent', 'poor'] as const;

function measuredTransport(quality: (typeof QUALITIES)[number]): TransportStats {
  const [fractionLost, roundTripTime] = {
    excellent: [0, 0.024],
    good: [0.018, 0.085],
    fair: [0.061, 0.32],
    poor: [0.14, 0.71],
  }[quality] as [number, number];
  return { transportId: 't-recv', direction: 'recv', fractionLost, roundTripTime, sending: null };
}

/** What happens once somebody is inside: speakers, hands, lines. */
function liven(): void {
  const meetingId = running.id;
  const timestamp = new Date().toISOString();
  for (const [index, participantId] of [...server.people.keys()].entries()) {
    const quality = QUALITIES[index % QUALITIES.length] ?? 'good';
    server.tell('connection-quality', { meetingId, participantId, quality });
    server.measured.set(participantId, { quality, transports: [measuredTransport(quality)] });
  }
  server.tell('active-speaker', { meetingId, participantId: 'bot-0' });
  if (people > 4) {
    server.tell('hand-raised', { participantId: 'bot-2', userName: NAMES[2] ?? '', raised: true, timestamp });
  }
  for (let index = 0; index < Number(wanted.get('knock') ?? 0); index++) {
    server.tell('join-request', {
      meetingId,
      participantId: `waits-${index}`,
      userName: NAMES.at(-1 - index) ?? '',
    });
  }
  if (wanted.has('rooms')) {
    const inside = (...who: string[]) =>
      who.flatMap((id) => {
        const person = server.people.get(id);
        return person ? [{ participantId: id, userId: person.userId, userName: person.userName }] : [];
      });
    const me = [...server.people.values()].find(({ userId }) => userId === 'u1')?.participantId ?? '';
    server.divide(
      [
        { roomId: 'harbour', name: 'Harbour plans', participants: inside(me, 'bot-0', 'bot-4') },
        {
          roomId: 'budget',
          name: 'Budget',
          description: 'Only what is over ten thousand',
          capacity: 5,
          allowScreenShare: false,
          participants: inside('bot-1', 'bot-2'),
        },
      ],
      { timeLimitAt: new Date(Date.now() + 754_000).toISOString() },
    );
  }
  if (wanted.has('slow')) {
    const speakers = ['bot-0', 'bot-1', 'bot-3'].map((participantId) => ({ participantId, level: -30 }));
    server.tell('active-speakers', { meetingId, speakers });
    for (const producerId of ['v0', 'v4', 's1']) {
      const consumerId = media?.subscriptions.get(producerId)?.consumerId;
      if (consumerId)
        server.tell('consumer-layers-changed', { consumerId, spatialLayer: null, limitedBy: 'bandwidth' });
    }
  }
  if (wanted.has('recording')) server.tell('recording-status-changed', { recording: true, startedBy: 'u1' });
  if (wanted.has('react')) {
    const reaction = (participantId: string, reaction: string) =>
      server.tell('participant-reaction', { participantId, userName: '', reaction, timestamp, duration: 60 });
    reaction('bot-0', '🎉');
    reaction('bot-1', '👏');
    reaction('bot-1', '👍');
  }
  server.tell('user-typing', { userId: 'bot-user-2', userName: NAMES[2] ?? '', typing: true });
  const said = [
    ['bot-user-0', 'Bruno Costa', 'Morning! Agenda is in https://example.org/agenda'],
    ['bot-user-1', 'Chiara Rossi', 'Thanks. I would like to start with the numbers from last week.'],
    ['bot-user-1', 'Chiara Rossi', 'Two slides, promised.'],
    ['u1', 'Ada Lindqvist', 'Go ahead 👍'],
  ] as const;
  for (const [sender_id, sender_name, message] of said.slice(0, people - 1)) {
    const line = { id: server.id('line'), sender_id, sender_name, message, timestamp };
    server.tell('new-message', { message: { ...line, recipientType: 'all' } });
    const about = {
      messageId: line.id,
      roomId: meetingId,
      userId: 'u1',
      emoji: '👍',
      action: 'add' as const,
    };
    if (message.startsWith('Two')) server.tell('chat-message-reaction', { data: about });
  }
  const aside = { sender_id: 'bot-user-0', sender_name: 'Bruno Costa', timestamp };
  const secret = { id: server.id('line'), message: 'Can you take notes today?', ...aside };
  server.tell('new-message', { message: { ...secret, recipientType: 'private', recipient_id: 'u1' } });
  const pdf = {
    id: 'agenda',
    name: 'Agenda week 47.pdf',
    size: 184_320,
    type: 'application/pdf',
    url: '/none',
  };
  const file = { id: server.id('line'), message: '', ...aside, attachments: [pdf] };
  server.tell('new-message', { message: { ...file, recipientType: 'all' } });
}

const services: Services = {
  rest: new Rest(() => 'demo', fakeFetch(meetings), fakeUpload),
  openSignaling: () => {
    const link = server.connect('u1');
    link.on('meeting-joined', () => setTimeout(liven, 300));
    return link;
  },
  openMedia: async (signaling, meetingId, _config, onFailed) => {
    const number = (id: string) => Number(/\d+/.exec(id)?.[0] ?? 0);
    const silence = () => new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
    const level = (id: string) => (number(id) === 0 ? Math.random() * 0.2 : 0);
    media = new FakeSession(
      signaling,
      meetingId,
      ({ kind, source, producerId }) =>
        kind === 'audio'
          ? (silence() as MediaStreamTrack)
          : source === 'screen'
            ? slides()
            : face(number(producerId)),
      onFailed,
      ({ producerId }) => level(producerId),
    );
    return media;
  },
};

Object.assign(window, { demo: server });
server.files = uploaded();
if (page === '/login') session.dispatch({ token: null, user: null });
else session.dispatch({ token: 'demo', user: USERS[0] ?? null });
history.replaceState(null, '', page + location.search);
applyTheme();
exposeForTests();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <ServicesContext value={services}>
      <App />
    </ServicesContext>,
  );
}
