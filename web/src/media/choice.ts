// Which device to use when the remembered one may be gone. Pure.

export interface DeviceInfo {
  deviceId: string;
  kind: MediaDeviceKind;
  label: string;
}

/**
 * The device to open: the remembered one while it is plugged in, else the system's default, else the first there is.
 * Null when there is none of that kind.
 */
export function chooseDevice(
  devices: readonly DeviceInfo[],
  kind: MediaDeviceKind,
  remembered: string | null,
): string | null {
  const ofKind = devices.filter((device) => device.kind === kind);
  const wanted = ofKind.find((device) => device.deviceId !== '' && device.deviceId === remembered);
  const fallback = ofKind.find((device) => device.deviceId === 'default') ?? ofKind[0];
  return (wanted ?? fallback)?.deviceId ?? null;
}

/** A name for a device whose label the browser hides until permission is given. */
export function deviceLabel(device: DeviceInfo, index: number): string {
  if (device.label) return device.label.replace(/\s*\([0-9a-f]{4}:[0-9a-f]{4}\)$/i, '');
  const noun = { audioinput: 'Microphone', audiooutput: 'Speaker', videoinput: 'Camera' }[device.kind];
  return `${noun} ${index + 1}`;
}

/** One sentence for a failed `getUserMedia`. */
export function deviceTrouble(error: unknown, what: 'camera' | 'microphone'): string {
  const name = error instanceof Error ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return `The browser does not allow the ${what}. Allow it in the address bar to be ${what === 'camera' ? 'seen' : 'heard'}.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${what} was found.`;
    case 'NotReadableError':
    case 'AbortError':
      return `Another program is using the ${what}.`;
    default:
      return `The ${what} cannot be used here.`;
  }
}
