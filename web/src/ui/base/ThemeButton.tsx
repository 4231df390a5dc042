// Light or dark.
import { useTheme } from '../theme';
import { IconButton } from './Button';

export function ThemeButton() {
  const { dark, toggle } = useTheme();
  return (
    <IconButton
      icon={dark ? 'sun' : 'moon'}
      label={dark ? 'Light appearance' : 'Dark appearance'}
      onClick={toggle}
    />
  );
}
