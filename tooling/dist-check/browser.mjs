// Programs bundled into pages, served on the loopback interface and run in the Chromium of this machine.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const places = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** The Chromium or Chrome of this machine: what MAPGRAD_CHROMIUM names, or what is found; `undefined` where there is none. */
export function findChromium() {
  if (process.env.MAPGRAD_CHROMIUM) return process.env.MAPGRAD_CHROMIUM
  const found = names.flatMap((name) => {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    } catch {
      return []
    }
  })
  return found[0] ?? places.find((path) => existsSync(path))
}

/** What a page may be told by its server. A policy without 'wasm-unsafe-eval' forbids WebAssembly. */
const self = "default-src 'none'; script-src 'self'; worker-src 'self'"
export const policies = {
  none: {},
  'a strict policy': { 'content-security-policy': `${self}; require-trusted-types-for 'script'` },
  "a strict policy with 'wasm-unsafe-eval'": {
    'content-security-policy': `${self.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")}; require-trusted-types-for 'script'`,
  },
  'cross-origin isolation': { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' },
}

const page = '<!doctype html><meta charset="utf-8"><title>a page</title><script type="module" src="/program.js"></script>'

/** Whether a page can have a WebAssembly memory: not where a process may not reserve many addresses. */
async function hasMemory(started) {
  const tab = await started.newPage()
  const has = await tab.evaluate(() => {
    try {
      return new WebAssembly.Memory({ initial: 16 }).buffer.byteLength > 0
    } catch {
      return false
    }
  })
  await tab.close()
  return has
}

/** Starts a browser: `{ version, run(script, { headers, worker }), close }`; `run` gives the program's answer and what the console says. */
export async function browser(executablePath) {
  const started = await chromium.launch({
    executablePath,
    chromiumSandbox: false,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  if (!(await hasMemory(started))) {
    await started.close()
    throw new Error('its pages get no WebAssembly memory, since this process may reserve too few addresses')
  }
  let served = { script: '', headers: {} }
  const server = createServer(({ url }, response) => {
    const isScript = url.startsWith('/program.js')
    if (!isScript && !url.startsWith('/page')) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html', ...served.headers })
    response.end(isScript ? served.script : page)
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const address = `http://127.0.0.1:${server.address().port}/page?script=/program.js`

  async function run(script, { headers = {}, worker = false } = {}) {
    served = { script, headers }
    // a context of its own: nothing is cached
    const context = await started.newContext()
    const said = []
    try {
      const tab = await context.newPage()
      tab.on('console', (message) => message.location().url.includes('favicon') || said.push(message.text()))
      tab.on('pageerror', (error) => said.push(String(error)))
      await tab.goto(worker ? `${address}#worker` : address)
      await tab
        .waitForFunction(() => globalThis.answer !== undefined, null, { timeout: 20_000 })
        .catch(() => said.push('no answer after 20 s'))
      return { answer: await tab.evaluate(() => globalThis.answer), said, isolated: await tab.evaluate(() => crossOriginIsolated) }
    } finally {
      await context.close()
    }
  }
  return {
    version: started.version(),
    run,
    async close() {
      await started.close()
      await new Promise((closed) => server.close(closed))
    },
  }
}
