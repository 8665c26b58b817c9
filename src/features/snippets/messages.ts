/** Text about code snippets: remarks, reasons, and comments in the code. Comments must read well in ASCII. */
import type { ModelType } from '../models/schemas.js'
import type { CredentialTransport } from './credential-transport.js'

export const wrongModel = 'This application is for another model.'

/** What a credential is, for the prompt of a notebook. */
export const credentialHints = {
  key: 'your key',
  applicationId: 'your application ID',
  applicationKey: 'your application key',
  clientId: 'your client ID',
  clientSecret: 'your client secret',
  tokenEndpoint: 'the token endpoint of your identity provider',
}

const transportLabels: Record<CredentialTransport['kind'], string> = {
  bearer: 'a Bearer key',
  headers: 'a key in a custom header',
  query: 'a key in the query',
  basic: 'an application ID and key with HTTP Basic',
  token: 'a token that expires after minutes',
}

const typeLabels: Record<ModelType, string> = {
  chat: 'chat models',
  completion: 'completion models',
  embedding: 'embedding models',
  rerank: 'rerank models',
  image: 'image models',
  speech_to_text: 'speech-to-text models',
  text_to_speech: 'text-to-speech models',
  custom: 'custom services',
}

/** Why a client does not support a call. */
export const unsupported = {
  type: (client: string, type: ModelType) => `${client} does not support ${typeLabels[type]}.`,
  path: (client: string) => `${client} cannot call the path of this model.`,
  credential: (client: string, kind: CredentialTransport['kind']) => `${client} cannot send ${transportLabels[kind]}.`,
  queryEncoding: (client: string) => `${client} percent-encodes the query, so the gateway would reject this key.`,
  modelId: (client: string) => `${client} cannot look up the model ID, which the portal does not know.`,
  text: (client: string, label: string, reason: string) => `${client} cannot contain ${label}: ${reason}.`,
  length: (client: string, most: number) =>
    `${client} accepts commands of up to ${most.toLocaleString('en')} characters, and this command is longer.`,
  alternative: (reason: string, client: string | undefined) => `${reason} Use ${client} instead.`,
}

/** Parts of the code that other users can set, in `unsupported.text`. */
export const textLabels = {
  modelName: 'the name of this model',
  modelId: 'the ID of this model',
  address: 'the address of this model',
  header: 'the name of a header',
  parameter: 'the name of a header or parameter',
  tokenUrl: 'the token endpoint',
  caFile: 'the file name of the CA',
  key: 'this key',
  value: (name: string) => `the value of ${name}`,
}

/** Why an interpreter would change a text, in `unsupported.text`. */
export const misreadReasons = {
  continue: 'it reads “${{” as one of its own variables',
  cmd: 'the prompt and batch files interpret “%”, “!”, quotation marks and special characters differently',
  dotenv: 'programs that read such files disagree on variables, quotes and control characters',
  references: 'programs that resolve secrets read it as a reference to a secret',
  openWebui: 'it reads “;” and “,” as separators of a list',
}

/** What the reader must replace before the code runs. */
export const instructions = {
  placeholder: (name: string) => `Replace ${name} in the address with your own value.`,
  modelId: (placeholder: string) =>
    `Replace ${placeholder} with the model ID. The portal does not know it, and the gateway does not allow listing the models.`,
}

export const comments = {
  modelIdQueried: 'The portal does not know the model ID, so this code requests it from the model server.',
  modelIdAutodetect: 'The portal does not know the model ID: AUTODETECT requests it from the model server.',
  modelIdListed: (listUrl: string) =>
    `The portal does not know the model ID. Use the first one that GET ${listUrl} returns.`,
  silence: 'a quarter of a second of silence',
  recording:
    'A quarter of a second of silence as a sample recording. To read your own: [IO.File]::ReadAllBytes and its path',
  noRetries: 'fail immediately when a limit is reached',
  nodeCa: (file: string) => `Start with NODE_EXTRA_CA_CERTS=${file} in the environment.`,
  windowsCa: (file: string) => `Once, so that Windows trusts the gateway: certutil -user -addstore Root ${file}`,
  token: (command: string) => `Shell, before each start, because a token expires after minutes: ${command}`,
  basic: (command: string) => `MAAS_BASIC is: ${command}`,
}

export const notebook = {
  run: 'Run the cells from top to bottom.',
  withKey: 'This file contains the key: do not share it.',
  withoutKey: 'You are prompted for the key. It is not stored in this file.',
}

/** What to install, or what to know, per client. */
export const remarks = {
  cmd: 'Runs at the prompt and in a batch file.',
  cmdUpload: 'Save your recording as recording.wav first.',
  powershell: 'Runs in Windows PowerShell 5.1 and PowerShell 7.',
  powershellStream: 'A stream is displayed when it is complete.',
  requires: (command: string) => `Requires: ${command}`,
  node: 'Requires only Node.js.',
  nodePackages: (packages: string) => `Requires Node.js and: npm install ${packages}`,
  browser: 'In a web page, the gateway rejects the headers that this client adds.',
  jupyter: 'Download the notebook and open it in Jupyter. It prompts for the key; the copy with the key contains it.',
  continue: (names: string[]) =>
    `Save it as ~/.continue/config.yaml. Without the key, it reads ${names.join(' and ')} from ~/.continue/.env.`,
  continueToken: 'Continue cannot fetch a token, and this one expires after minutes.',
  env: 'OpenAI clients read these variables automatically.',
  envCode: 'OpenAI clients cannot send this call with variables only. The first lines show the required code.',
  kubernetes: (names: string) =>
    `Apply it with: kubectl apply -f secret.yaml. The copy without the key requires envsubst: envsubst '${names}' < secret.yaml | kubectl apply -f -`,
  openWebui: 'Starts Open WebUI on port 3000.',
  openWebuiToken: 'It cannot fetch a token, and this one expires after minutes.',
  openWebuiModelId: 'It requests the model ID from the model server.',
}
