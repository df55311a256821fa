import Cryptography
import Glibc

OpenSSLLibrary.start()
exit(CommandTable.run(Array(CommandLine.arguments.dropFirst())))
