import Cryptography
import Glibc

Output.holdStreams()
OpenSSLLibrary.start()
exit(CommandTable.run(Array(CommandLine.arguments.dropFirst())))
