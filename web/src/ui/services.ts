// What the pages need from outside, in one place, so that a fake of each can be handed in.
import { createContext, useContext } from 'react';
import type { MediaSession } from '../media/session';
import type { Signaling, WebrtcConfig } from '../signaling/events';
import type { Rest } from '../signaling/rest';

export interface Services {
  rest: Rest;
  openSignaling: (token: string) => Signaling;
  openMedia: (
    signaling: Signaling,
    meetingId: string,
    config: WebrtcConfig,
    onFailed: () => void,
  ) => Promise<MediaSession>;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error('a page is rendered outside of ServicesContext');
  return services;
}
