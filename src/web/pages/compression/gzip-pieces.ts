import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

/** A piece of a text that is compressed separately and can be part of several gzip streams. */
export interface GzipPiece {
  plain: Buffer
  /** Blocks of DEFLATE (RFC 1951) that end at a byte. None is the last block of a stream, and none refers to text before the piece. */
  blocks: Buffer
}

const deflateRawAsync = promisify(deflateRaw)

/** RFC 1952: DEFLATE, no flags, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** An empty last block. */
const LAST_BLOCK = Buffer.from([3, 0])

export async function createGzipPiece(plain: Buffer, level: number): Promise<GzipPiece> {
  return { plain, blocks: await deflateRawAsync(plain, { level, finishFlush: constants.Z_FULL_FLUSH }) }
}

/** The gzip stream of the text of all pieces. Only its checksum is computed again. */
export function joinGzipPieces(pieces: GzipPiece[]): Buffer {
  const end = Buffer.alloc(8)
  let [crc, bytes] = [0, 0]
  for (const { plain } of pieces) {
    // For an empty buffer, zlib may return 0 instead of the checksum so far.
    if (plain.length > 0) crc = crc32(plain, crc)
    bytes += plain.length
  }
  end.writeUInt32LE(crc, 0)
  end.writeUInt32LE(bytes, 4)
  return Buffer.concat([HEADER, ...pieces.map(({ blocks }) => blocks), LAST_BLOCK, end])
}
