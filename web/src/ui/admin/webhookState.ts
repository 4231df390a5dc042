// A webhook in a few words: whether it is told, and why not.
import type { DeliveryStatus, Webhook } from '../../signaling/webhooks';

export function webhookState({
  enabled,
  disabled_reason,
}: Pick<Webhook, 'enabled' | 'disabled_reason'>): string {
  if (enabled) return 'On';
  if (disabled_reason === 'gone') return 'Off: it answered 410';
  if (disabled_reason === 'settings') return 'Off: not in the settings';
  return 'Off';
}

export const DELIVERY_STATUS: Record<DeliveryStatus, string> = {
  pending: 'Waiting',
  delivered: 'Delivered',
  dead: 'Given up',
};
