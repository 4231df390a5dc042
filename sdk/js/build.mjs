// Builds both forms of the package with nothing but the compiler: ES modules and CommonJS, each with its types.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const compile = (...options) =>
  execFileSync(process.execPath, [compiler, '-p', folder, ...options], { cwd: folder, stdio: 'inherit' });

rmSync(`${folder}dist`, { recursive: true, force: true });
compile();
compile(
  '--outDir',
  'dist/cjs',
  '--module',
  'CommonJS',
  '--moduleResolution',
  'node10',
  '--verbatimModuleSyntax',
  'false',
);
// Below a package of ES modules the other half says what it is itself.
mkdirSync(`${folder}dist/cjs`, { recursive: true });
writeFileSync(`${folder}dist/cjs/package.json`, '{ "type": "commonjs" }\n');
