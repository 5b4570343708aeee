// Whether PHP's own TLS reaches the server, where the library of the launch does not.
$context = stream_context_create(array('ssl' => (array) json_decode($argv[2], true)));
$stream = @stream_socket_client($argv[1], $code, $message, 2, STREAM_CLIENT_CONNECT, $context);
answer((bool) $stream);
