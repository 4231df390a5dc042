// A track in a video element. It fades in when the first frame is there, so that nothing flashes black.
import { useEffect, useRef, useState } from 'react';
import styles from './VideoTrack.module.css';

interface VideoTrackProps {
  track: MediaStreamTrack;
  mirrored?: boolean;
  whole?: boolean;
}

export function VideoTrack({ track, mirrored, whole }: VideoTrackProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => {
      // Muted video may always play; a rejection means the element is already gone or has another track.
    });
    return () => {
      element.srcObject = null;
    };
  }, [track]);
  const classes = [styles.video, mirrored && styles.mirrored, whole && styles.whole, seen && styles.seen];
  return (
    <video
      ref={video}
      className={classes.filter(Boolean).join(' ')}
      autoPlay
      playsInline
      muted
      disablePictureInPicture={mirrored}
      onLoadedData={() => setSeen(true)}
    />
  );
}
