// Sharing a screen, a window or a tab.

export interface ScreenCapture {
  video: MediaStreamTrack;
  /** Sound of the shared tab or system, when the person chose to share it. */
  audio: MediaStreamTrack | null;
}

/** Asks the person what to share; null when the dialog was dismissed. */
export async function captureScreen(): Promise<ScreenCapture | null> {
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 30, max: 30 }, width: { max: 1920 }, height: { max: 1200 } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'NotAllowedError') return null;
    throw error;
  }
  const [video] = stream.getVideoTracks();
  if (!video) return null;
  video.contentHint = 'detail';
  return { video, audio: stream.getAudioTracks()[0] ?? null };
}

export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}
