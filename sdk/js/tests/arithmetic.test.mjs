// What needs no server: pauses, and the spelling of names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseMs, RECONNECT, retryAfterSeconds } from '../dist/esm/pauses.js';
import { camel, snake } from '../dist/esm/words.js';

test('cli_09 pauses double up to the longest, and are spread over their upper half', () => {
  const longest = Array.from({ length: 10 }, (_, attempt) => pauseMs(attempt, RECONNECT, 1));
  assert.deepEqual(longest, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  assert.equal(pauseMs(3, RECONNECT, 0), 2000);
  assert.equal(pauseMs(3, RECONNECT, 0.5), 3000);
  assert.equal(pauseMs(5000, RECONNECT, 1), 30_000);
});

test('cli_09 Retry-After is read as seconds and as a date', () => {
  const now = Date.parse('2026-11-20T10:00:00Z');
  assert.equal(retryAfterSeconds('17', now), 17);
  assert.equal(retryAfterSeconds('Fri, 20 Nov 2026 10:00:30 GMT', now), 30);
  assert.equal(retryAfterSeconds('Fri, 20 Nov 2026 09:00:00 GMT', now), 0);
  for (const unreadable of [null, undefined, '', ' ', 'soon', '-']) {
    assert.equal(retryAfterSeconds(unreadable, now), undefined, String(unreadable));
  }
});

test('cli_09 names are respelled all the way down, and texts are left alone', () => {
  const ours = {
    joinMuted: true,
    allowedDomains: ['a_b.example', 'fooBar'],
    rooms: [{ name: 'room_one', settings: { allowScreenShare: false } }],
    recipientId: null,
  };
  const wire = {
    join_muted: true,
    allowed_domains: ['a_b.example', 'fooBar'],
    rooms: [{ name: 'room_one', settings: { allow_screen_share: false } }],
    recipient_id: null,
  };
  assert.deepEqual(snake(ours), wire);
  assert.deepEqual(camel(wire), ours);
  assert.deepEqual(snake(wire), wire);
});
