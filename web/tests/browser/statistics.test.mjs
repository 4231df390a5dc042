// What the server says of a meeting in numbers, against what real browsers send and receive in it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { endMeeting, liveMeeting, login, request } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

/** So small that no browser makes it smaller while it finds out about the network. */
const camera = { width: 320, height: 240, frameRate: 10 };

describe('statistics', () => {
  const hall = openHall();

  const enter = async (login, meeting, publishing) => {
    const person = await hall.person();
    await person.join(hall.plenum, login, meeting.id);
    await person.publish(publishing);
    return person;
  };

  const numbers = async (meeting, what, { token }) => {
    const { status, body } = await request(hall.plenum, 'GET', `/api/meeting/${meeting.id}/${what}`, {
      token,
    });
    assert.equal(status, 200, JSON.stringify(body));
    return body.data;
  };

  test('two who send are measured while live and summed up afterwards (KCS-17, KCS-18, KCS-20, STAT-03, STAT-04, RT-16)', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum);
    const ada = await enter(people.host, meeting, { video: camera, codec: 'vp8' });
    const ben = await enter(people.member, meeting, { video: camera, codec: 'vp8' });
    await Promise.all([ada.sees(ben.participantId), ben.sees(ada.participantId)]);

    const live = await until('live statistics with everything measured', 30_000, async () => {
      const stats = await numbers(meeting, 'live-stats', people.member);
      const { connection_quality, latency_ms, average_video_quality } = stats.quality_metrics;
      return connection_quality && latency_ms !== null && average_video_quality && stats;
    });
    assert.equal(live.current_participants, 2);
    const { total_mbps, per_participant_avg } = live.bandwidth_usage;
    assert.ok(total_mbps > 0.02 && total_mbps < 20, `${total_mbps} Mbit/s`);
    assert.ok(Math.abs(per_participant_avg - total_mbps / 2) < 0.001);
    const { average_video_quality, connection_quality, latency_ms, packet_loss_percent } =
      live.quality_metrics;
    assert.equal(average_video_quality, '240p');
    assert.match(connection_quality, /^(excellent|good|fair|poor)$/);
    assert.ok(latency_ms >= 0 && latency_ms < 1000, `${latency_ms} ms on one machine`);
    assert.ok(packet_loss_percent >= 0 && packet_loss_percent < 50, `${packet_loss_percent} % lost`);
    assert.ok(Date.now() - Date.parse(live.sampled_at) < 30_000, live.sampled_at);

    const admin = await login(hall.plenum, 'admin@demo.test');
    const system = await until('a report of the node that shows the room', 20_000, async () => {
      const { body } = await request(hall.plenum, 'GET', '/api/meeting/system/stats', { token: admin.token });
      return body.data.mediasoup_workers.active > 0 && body.data;
    });
    assert.ok(system.mediasoup_workers.total >= system.mediasoup_workers.active);
    assert.equal(system.mediasoup_workers.load_distribution.length, system.mediasoup_workers.total);
    assert.deepEqual([system.active_participants, system.system_health.status], [2, 'ok']);
    assert.ok(system.system_health.bandwidth_mbps > 0);

    await endMeeting(hall.plenum, people.host, meeting.id);
    const whole = await numbers(meeting, 'analytics', people.host);
    assert.ok(whole.bandwidth_bytes.received > 10_000 && whole.bandwidth_bytes.sent > 10_000);
    assert.equal(whole.bandwidth_usage, whole.bandwidth_bytes.received + whole.bandwidth_bytes.sent);
    assert.ok(whole.connection_quality_avg >= 25 && whole.connection_quality_avg <= 100);
    assert.deepEqual([whole.peak_participants, whole.total_participants_joined], [2, 2]);
    assert.equal(whole.people.length, 2);
  });

  test('the round trip to somebody who only sends is known, by extended reports (KCS-18)', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum);
    await enter(people.host, meeting, { video: camera, codec: 'vp8' });
    const measured = await until('a round trip', 30_000, async () => {
      const { quality_metrics } = await numbers(meeting, 'live-stats', people.host);
      return quality_metrics.latency_ms !== null && quality_metrics;
    });
    assert.ok(
      measured.latency_ms >= 0 && measured.latency_ms < 1000,
      `${measured.latency_ms} ms on one machine`,
    );
  });

  // The node tells its figures every few seconds: all wait for them at once.
  describe('of other codecs', { concurrency: true }, () => {
    for (const codec of ['VP9', 'H264', 'AV1']) {
      test(`the size of a ${codec} picture is known (KCS-18)`, async (t) => {
        const { meeting, people } = await liveMeeting(hall.plenum);
        const [ada, ben] = [await hall.person(t), await hall.person(t)];
        await ada.join(hall.plenum, people.host, meeting.id);
        await ben.join(hall.plenum, people.member, meeting.id);
        await ada.publish({ audio: false, video: camera, codec: codec.toLowerCase() });
        const shown = await ben.sees(ada.participantId);
        assert.equal(shown.frameHeight, 240);
        await until(`the picture of ${codec} in the statistics`, 30_000, async () => {
          const stats = await numbers(meeting, 'live-stats', people.host);
          return stats.quality_metrics.average_video_quality === '240p';
        });
      });
    }
  });
});
