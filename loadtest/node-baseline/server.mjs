// A stock socket.io server without a database: the same joins and the same fan-out as plenum's, with the library's own means.
// Prints the port it listens on. Usage: node server.mjs
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { pingInterval: 25_000, pingTimeout: 60_000, transports: ['websocket', 'polling'] });
/** Who is in each room, by participant id. */
const rooms = new Map();

io.on('connection', (socket) => {
  const inside = new Map();

  socket.on('join-meeting', ({ meetingId }, ack) => {
    const room = rooms.get(meetingId) ?? new Map();
    rooms.set(meetingId, room);
    const me = {
      participantId: randomUUID(),
      userId: socket.id,
      userName: `Bot ${room.size}`,
      isGuest: false,
      audio: true,
      video: true,
      screen: false,
      screenSharing: false,
      role: 'attendee',
      handRaised: false,
      producers: [],
      meetingId,
    };
    const joined = { success: true, meetingId, participantId: me.participantId, participants: [...room.values()] };
    room.set(me.participantId, me);
    inside.set(meetingId, me);
    socket.join(meetingId);
    socket.emit('meeting-joined', joined);
    socket.to(meetingId).emit('participant-joined', me);
    ack?.(joined);
  });

  socket.on('raise-hand', ({ meetingId, raised }, ack) => {
    const me = inside.get(meetingId);
    if (!me) return ack?.({ success: false, error: 'Access denied' });
    me.handRaised = raised;
    const { participantId, userName } = me;
    io.to(meetingId).emit('hand-raised', {
      meetingId,
      participantId,
      userName,
      raised,
      timestamp: new Date().toISOString(),
    });
    ack?.({ success: true, raised });
  });

  socket.on('disconnect', () => {
    for (const [meetingId, me] of inside) rooms.get(meetingId)?.delete(me.participantId);
  });
});

http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${http.address().port}\n`);
});
