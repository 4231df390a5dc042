// Everybody's voice: one audio element per track, played on the chosen speaker.
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { useStore } from '../useStore';
import { useMeeting } from './context';

export function RemoteAudio() {
  const { conference, devices } = useMeeting();
  const tracks = useSyncExternalStore(conference.board.subscribe, conference.board.heard);
  const speakerId = useStore(devices.store, (state) => state.speakerId);
  return (
    <div hidden>
      {tracks.map(([at, track]) => (
        <AudioTrack key={at} track={track} speakerId={speakerId} />
      ))}
    </div>
  );
}

function AudioTrack({ track, speakerId }: { track: MediaStreamTrack; speakerId: string | null }) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const element = audio.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    const play = () => element.play();
    // Sound before the first touch is forbidden (a page restored by the browser): the next touch plays it.
    play().catch(() => addEventListener('pointerdown', play, { once: true }));
    return () => {
      removeEventListener('pointerdown', play);
      element.srcObject = null;
    };
  }, [track]);
  useEffect(() => {
    const element = audio.current;
    if (!element || speakerId === null || !('setSinkId' in element)) return;
    element.setSinkId(speakerId).catch(() => {
      // An unplugged speaker: the system's default goes on playing.
    });
  }, [speakerId]);
  // biome-ignore lint/a11y/useMediaCaption: live voices of the people in the meeting
  return <audio ref={audio} autoPlay />;
}
