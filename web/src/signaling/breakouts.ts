// Breakout rooms in the server's words: told over Socket.IO (ADD-EV-50), opened over REST (V1-10).

export interface BreakoutParticipant {
  participantId: string;
  userId: string;
  userName: string;
}

export interface BreakoutRoomTold {
  roomId: string;
  name: string;
  description: string | null;
  capacity: number | null;
  allowChat: boolean;
  allowScreenShare: boolean;
  participants: BreakoutParticipant[];
}

export interface BreakoutRoomsTold {
  meetingId: string;
  /** Empty when no rooms are open. */
  rooms: BreakoutRoomTold[];
  timeLimitAt: string | null;
  mayChoose: boolean;
  mayReturn: boolean;
}

/** What opens rooms; without names they are numbered. */
export interface BreakoutPlan {
  room_count: number;
  auto_assign: boolean;
  allow_participants_to_choose: boolean;
  allow_participants_to_return: boolean;
  time_limit_minutes?: number;
}
